"""What an answer's readers have been shown."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from libs.contracts.frames import Cited, Delta, decode_frame
from libs.contracts.values import Citation


@dataclass(frozen=True, slots=True)
class Shown:
    """Text and citations, as far as they are in the log."""

    text: str = ""
    citations: tuple[Citation, ...] = ()

    @classmethod
    def of(cls, frames: Iterable[bytes]) -> Self:
        """What these frames of one attempt, in their order, show."""
        decoded = [decode_frame(frame) for frame in frames]
        return cls(
            "".join(frame.text for frame in decoded if isinstance(frame, Delta)),
            tuple(frame.citation for frame in decoded if isinstance(frame, Cited)),
        )
