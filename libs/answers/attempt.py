"""One worker's try at an answer: frames go to the log in order, once, and only while it is this worker's to write."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

from libs.answers.names import CLOSE_SEQ, LIVE_LOG_MILLISECONDS, FrameId, LogName
from libs.answers.scripts import BEGIN, FINISH
from libs.answers.shown import Shown
from libs.bus.connection import AWAY, RedisAwayError
from libs.bus.entry import Entry
from libs.bus.outcome import EntryLost, Outcome, Reply
from libs.bus.scripts import Script
from libs.contracts.events import AnswerWritten
from libs.contracts.frames import Closed, Delta, Frame, Started, decode_frame, encode_frame
from libs.contracts.values import Turn

if TYPE_CHECKING:
    from libs.answers.writer import AnswerWriter

StopReason = Literal["cancelled", "superseded", "lost"]


class AttemptStopped(EntryLost):
    """The log is not this attempt's to write any more.

    Attributes:
        reason: `cancelled` by its user, `superseded` by a newer attempt or an end, or `lost` with Redis's memory.
    """

    def __init__(self, reason: StopReason) -> None:
        super().__init__(f"the attempt was stopped: {reason}")
        self.reason = reason


class Attempt:
    """An async context manager that begins the attempt and guards its body.

    The body is cancelled as soon as somebody else closes the log, and then leaves with `AttemptStopped`.

    Args:
        writer: whose flusher sends the frames.
        entry: the entry in hand; the attempt begins only while it is.
        turn: whose answer is written.
        model: who writes it.

    Attributes:
        shown: after a cancel, what its user was shown: less than what was written, for nobody saw the rest.
    """

    def __init__(self, writer: "AnswerWriter", entry: Entry, turn: Turn, *, model: str) -> None:
        self.log = LogName(entry.partition, turn.answer_id)
        self._writer = writer
        self._entry = entry
        self._turn = turn
        self._model = model
        self._task: asyncio.Task[object] | None = None
        self._stopped: StopReason | None = None
        self._unsent: list[Frame] = []
        self._has_text = False
        # Frames as they stand in the log from seq 1 on; kept to the end, for a Redis that rolled back.
        self._frames: list[bytes] = []
        self._confirmed = 0
        self.epoch = 0
        self.flushed_at = 0.0
        self.shown = Shown()

    async def __aenter__(self) -> Self:
        self._task = asyncio.current_task()
        started = encode_frame(Started(model=self._model))
        entry = self._entry
        try:
            reply: Reply = await BEGIN.run(
                self._writer.redis,
                [self.log.key, entry.key],
                [entry.group, entry.entry_id, entry.consumer, started, self.log.channel, LIVE_LOG_MILLISECONDS],
            )
        except AWAY as error:
            raise RedisAwayError(error) from error
        if reply[0] == b"ok":
            self.epoch = int(reply[1])
            self._writer.watch(self)
            return self
        if reply[0] == b"final" and isinstance(decode_frame(reply[1]), Closed):
            self.shown = Shown.of(reply[2:])
            raise AttemptStopped("cancelled")
        raise AttemptStopped("superseded")

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.forget(self)
        if self._stopped is None or self._task is None:
            return
        if kind is None or not issubclass(kind, asyncio.CancelledError):
            # Our own cancellation may still be on its way: take it here, not in somebody else's await.
            try:
                await asyncio.sleep(0)
            except asyncio.CancelledError as late:
                error = late
        if self._task.uncancel() == 0:
            raise AttemptStopped(self._stopped) from error

    def write(self, frame: Frame) -> None:
        """Append a frame; it leaves with the next flush, the first text of an attempt at once."""
        is_text = isinstance(frame, Delta)
        first_text = is_text and not self._has_text
        self._has_text |= is_text
        last = self._unsent[-1] if self._unsent else None
        if isinstance(frame, Delta) and isinstance(last, Delta):
            self._unsent[-1] = Delta(text=last.text + frame.text)
        else:
            self._unsent.append(frame)
        self._writer.wake(self, urgent=first_text)

    def finish(self, answered: AnswerWritten) -> Outcome:
        """The rest of the frames, the close frame and the hop to `answered`, in one script."""
        return Outcome(answered, _Finish(self, answered))

    @property
    def has_unconfirmed(self) -> bool:
        """Whether there is anything that the log is not known to have."""
        return bool(self._unsent) or self._confirmed < len(self._frames)

    def take_unconfirmed(self) -> tuple[int, list[bytes]]:
        """The seq of the first frame the log is not known to have, and the frames from there on."""
        self._frames.extend(encode_frame(frame) for frame in self._unsent)
        self._unsent.clear()
        return self._confirmed + 1, self._frames[self._confirmed :]

    def confirm(self, frames: int) -> None:
        """The log has that many frames more."""
        self._confirmed += frames

    def refused(self, reply: Reply) -> StopReason | None:
        """What a refusal means: why to stop, or None to go on from where the log stands."""
        if reply[0] == b"lost":
            return "lost"
        top = FrameId.parse(reply[1])
        if reply[2] == b"cancelled":
            self.shown = Shown.of(reply[3:])
            return "cancelled"
        if top.epoch > self.epoch or top.seq >= CLOSE_SEQ:
            return "superseded"
        if top.epoch < self.epoch:
            return "lost"
        # Our own append whose answer was lost, or a Redis that came back without the last moments.
        self._confirmed = min(top.seq, len(self._frames))
        return None

    def stop(self, reason: StopReason) -> None:
        """Cancel the body: it must not write on."""
        if self._stopped is None and self._task is not None:
            self._stopped = reason
            self._task.cancel()


@dataclass(frozen=True, slots=True)
class _Finish:
    attempt: Attempt
    answered: AnswerWritten
    script: Script = FINISH

    def keys(self, partition: int) -> Sequence[str]:  # noqa: ARG002 - the attempt knows its log
        return (self.attempt.log.key,)

    def args(self, partition: int) -> Sequence[str | bytes | int]:  # noqa: ARG002
        seq, frames = self.attempt.take_unconfirmed()
        closed = encode_frame(Closed(status=self.answered.status, frames=seq + len(frames)))
        channel = self.attempt.log.channel
        return (self.attempt.epoch, seq, channel, closed, self.answered.status, len(frames), *frames)

    async def refused(self, reply: Reply) -> Outcome | None:
        match self.attempt.refused(reply):
            case None:
                return Outcome(self.answered, self)
            case "cancelled":
                shown = self.attempt.shown
                changes = {"status": "cancelled", "failure": None, "text": shown.text, "citations": shown.citations}
                return Outcome(self.answered.model_copy(update=changes))
            case "lost":
                # Redis forgot the log but not the entry; the text is whole here, so it is stored.
                return Outcome(self.answered)
            case "superseded":
                return None
