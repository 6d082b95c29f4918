"""A file in pieces: how blobs are sent on without being held."""

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol

PIECE_BYTES = 256 * 1024
"""Large enough that a thread's turn costs little against it, small enough for hundreds of readers."""


class Readable(Protocol):
    """A file that is open, or the body of a response."""

    def read(self, size: int, /) -> bytes: ...


async def in_pieces(source: Readable, length: int) -> AsyncIterator[bytes]:
    """So many bytes of the source, each piece read when the one before has been taken; fewer when it ends."""
    while length > 0:
        piece = await asyncio.to_thread(source.read, min(PIECE_BYTES, length))
        if not piece:
            return
        length -= len(piece)
        yield piece
