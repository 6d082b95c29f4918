"""Keys and ids of answer logs."""

from dataclasses import dataclass
from typing import NamedTuple, Self
from uuid import UUID

LIVE_LOG_MILLISECONDS = 2 * 3_600_000
"""A log is kept so long after its last attempt began, however it ends."""
ENDED_LOG_MILLISECONDS = 15 * 60_000
"""A log is kept so long after its end, for those who reconnect; then the stored message is the answer."""

CLOSE_SEQ = 18_446_744_073_709_551_614
END_SEQ = 18_446_744_073_709_551_615


@dataclass(frozen=True, slots=True)
class LogName:
    """Where an answer's log is and where its frames are announced; both in the slot of its session's streams.

    Args:
        partition: the session's.
        answer_id: whose log.
    """

    partition: int
    answer_id: UUID

    @property
    def key(self) -> str:
        """The log's stream."""
        return f"answer:{{p{self.partition}}}:{self.answer_id}"

    @property
    def channel(self) -> str:
        """Where every appended frame is published."""
        return f"frames:{{p{self.partition}}}:{self.answer_id}"


class FrameId(NamedTuple):
    """`<epoch>-<seq>`; compares as Redis does."""

    epoch: int
    seq: int

    @classmethod
    def parse(cls, text: bytes) -> Self:
        """The id in an entry or a message.

        Raises:
            ValueError: it is no id.
        """
        epoch, _, seq = text.partition(b"-")
        return cls(int(epoch), int(seq))

    def __str__(self) -> str:
        return f"{self.epoch}-{self.seq}"


BEGINNING = FrameId(0, 0)
