"""The one transaction that makes a version searchable as a whole."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import msgspec

from ingest_service.leftovers import Leftover
from ingest_service.parsing.parsed import HEADINGS_BETWEEN
from ingest_service.turns import Opened, opened
from ingest_service.work import NewChunk, StoppedError, Work
from libs.errors import TransientError

PIECE = 1000
"""Chunks in a call: their words are counted and indexed in it, which has to end within a statement's time."""

_SWAP_IN = """
    SELECT outcome, leftover_id, chunk_ids, blob_keys, opened FROM swap_in_v1(
        $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18
    )
"""


@dataclass(frozen=True, slots=True)
class Swapped:
    """What has become of a version, and of others with it.

    Attributes:
        leftover: what may be removed now.
        opened: those of its owner's that begin instead.
    """

    leftover: Leftover | None = None
    opened: Sequence[Opened] = ()


async def swap_in(
    pool: asyncpg.Pool, work: Work, title: str | None, chunks: Sequence[NewChunk], *, places: int, piece: int
) -> Swapped:
    """Afterwards the chunks are rows, and questions find them instead of the old ones, all at once.

    Raises:
        StoppedError: nobody waits for it any more: it was deleted, overtaken, cancelled, or is tried anew.
        TransientError: a vector that was to be kept has gone.
    """
    whole = (work.document_id, work.version, work.generation, title, chunks[0].language, len(chunks), places)
    kept = [new.chunk_id for new in chunks if new.is_kept]
    if len(chunks) <= piece:
        # No transaction of ours, which would be two round trips more.
        rows = await pool.fetch(_SWAP_IN, *whole, kept, 0, *_columns(chunks))
    else:
        rows = []
        async with pool.acquire() as connection, connection.transaction():
            for start in range(0, len(chunks), piece):
                columns = _columns(chunks[start : start + piece])
                rows += await connection.fetch(_SWAP_IN, *whole, kept, start, *columns)
                if rows[-1]["outcome"] != "piece":
                    break
    return _swapped(work, rows[0], rows[-1])


def _columns(chunks: Sequence[NewChunk]) -> tuple[list[Any], ...]:
    return (
        [new.chunk_id for new in chunks],
        [new.chunk.text for new in chunks],
        [new.chunk.page for new in chunks],
        [HEADINGS_BETWEEN.join(new.chunk.heading) for new in chunks],
        [new.chunk.start for new in chunks],
        [new.chunk.end for new in chunks],
        [None if new.chunk.more is None else msgspec.json.encode(new.chunk.more).decode() for new in chunks],
        [new.content_hash for new in chunks],
        [new.context for new in chunks],
    )


def _swapped(work: Work, first: asyncpg.Record, last: asyncpg.Record) -> Swapped:
    match last["outcome"]:
        case "stopped":
            raise StoppedError
        case "lost":
            # Another version was swapped in and out meanwhile. The next try embeds what it took away.
            raise TransientError("the version that vectors were kept from is gone")
    leftover = None
    if first["leftover_id"] is not None:
        leftover = Leftover(
            leftover_id=first["leftover_id"],
            collection=work.collection,
            document_id=work.document_id,
            chunk_ids=tuple(first["chunk_ids"]),
            blob_keys=tuple(first["blob_keys"]),
        )
    return Swapped(leftover, [opened(*one) for one in last["opened"] or ()])
