"""How far a client has come in an answer: every chunk has a number, and a cursor for coming back behind it.

A number alone does not say where to go on: it counts chunks of the attempts that the log held at that time, and a Redis
that lost its last moments may hold others by now. So a cursor also names those attempts.
"""

import hashlib
from collections.abc import Awaitable, Callable
from typing import NamedTuple
from uuid import UUID

from gateway.ui_stream import Chunk

SEQUENCE_DIGITS = 9
"""No answer has so many chunks."""


class Numbered(NamedTuple):
    """A chunk as it is sent.

    Attributes:
        sequence: from 0 without a gap.
        cursor: `<sequence>-<digest of the answer, and of each attempt with the number at which it began>`.
    """

    sequence: int
    cursor: str
    chunk: Chunk


class Numbering:
    """Numbers one reading of an answer, and leaves out what the client has.

    Where the client's cursor turns out to be of another answer or of other attempts, or beyond the end, all chunks
    come, from 0 on: better twice than with a gap.

    Args:
        answer_id: whose chunks.
        after: the cursor of the last chunk that the client has; None, or one that is none: it has nothing.
        send: takes what the client has not.
    """

    def __init__(self, answer_id: UUID, *, after: str | None, send: Callable[[Numbered], Awaitable[None]]) -> None:
        self._send = send
        self._after = after
        self._last = _sequence_of(after or "")
        self._withheld: list[Numbered] = []
        self._next = 0
        self._attempt: str | None = None
        self._digest = hashlib.blake2b(answer_id.bytes, digest_size=6)

    async def number(self, chunk: Chunk, attempt: str) -> None:
        """The next chunk, said by this attempt."""
        if attempt != self._attempt:
            self._attempt = attempt
            self._digest.update(f"{attempt}@{self._next} ".encode())
        numbered = Numbered(self._next, f"{self._next}-{self._digest.hexdigest()}", chunk)
        self._next += 1
        if self._last is None:
            await self._send(numbered)
            return
        self._withheld.append(numbered)
        if numbered.sequence == self._last:
            if numbered.cursor == self._after:
                self._withheld.clear()
            await self.finish()

    async def finish(self) -> None:
        """There are no more; what was withheld for a cursor that does not fit is sent."""
        self._last = None
        withheld, self._withheld = self._withheld, []
        for numbered in withheld:
            await self._send(numbered)


def _sequence_of(cursor: str) -> int | None:
    number = cursor.partition("-")[0]
    return int(number) if number.isascii() and number.isdigit() and len(number) <= SEQUENCE_DIGITS else None
