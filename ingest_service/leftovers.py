"""What the vector and blob stores hold though no row needs it: noted with the change that caused it, removed after."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg
import structlog

from ingest_service.knowledge import Connection
from ingest_service.ports import Blobs, VectorStore
from libs.db.errors import translated
from libs.errors import EloquentError

log = structlog.get_logger()

_NOTE = """
    INSERT INTO leftovers (collection, document_id, chunk_ids, blob_keys) VALUES ($1, $2, $3, $4)
    RETURNING leftover_id, collection, document_id, chunk_ids, blob_keys
"""

_OLD = """
    SELECT leftover_id, collection, document_id, chunk_ids, blob_keys FROM leftovers
    WHERE created_at < now() - make_interval(secs => $1) AND NOT EXISTS (
        SELECT FROM document_versions AS v
        WHERE v.document_id = leftovers.document_id AND v.version = leftovers.version
          AND v.generation = leftovers.generation AND v.status IN ('parsing', 'chunking', 'embedding')
    )
    ORDER BY leftover_id LIMIT $2
"""

_OF_WORK = """
    SELECT leftover_id, collection, document_id, chunk_ids, blob_keys FROM leftovers
    WHERE document_id = $1 AND version = $2 AND generation = $3
"""

_DONE = "DELETE FROM leftovers WHERE leftover_id = $1"

# Uploads of the same bytes take the same lock, so that no blob goes away under a row that was just written.
LOCK_BLOB = "SELECT pg_advisory_xact_lock(hashtextextended('blob ' || $1, 0))"

_BLOB_IS_NEEDED = "SELECT EXISTS (SELECT FROM document_versions WHERE blob_key = $1 AND status <> 'replaced')"


@dataclass(frozen=True, slots=True)
class Leftover:
    """Vectors and blobs of one document that may go. What a version is about to write is noted as one, too.

    Attributes:
        chunk_ids: whose vectors; None for every vector of the document.
        blob_keys: blobs it needs no more; other documents may.
    """

    leftover_id: int
    collection: str
    document_id: UUID
    chunk_ids: tuple[UUID, ...] | None
    blob_keys: tuple[str, ...]


async def note(
    connection: Connection,
    *,
    collection: str,
    document_id: UUID,
    chunk_ids: Sequence[UUID] | None,
    blob_keys: Sequence[str],
) -> Leftover:
    """Remember what may go, in the transaction after which nobody needs it."""
    [row] = await connection.fetch(_NOTE, collection, document_id, chunk_ids, blob_keys)
    return leftover_of(row)


class Removal:
    """Removes leftovers; doing it twice does no harm.

    Args:
        pool: the database of the rows.
        vectors: where the vectors are.
        blobs: where the bytes are.
    """

    def __init__(self, pool: asyncpg.Pool, vectors: VectorStore, blobs: Blobs) -> None:
        self._pool = pool
        self._vectors = vectors
        self._blobs = blobs

    async def old(self, *, seconds: float, limit: int) -> list[Leftover]:
        """What nobody has removed for so long, oldest first.

        Raises:
            TransientError: the database did not answer.
        """
        with translated():
            return [leftover_of(row) for row in await self._pool.fetch(_OLD, seconds, limit)]

    async def remove(self, leftover: Leftover) -> None:
        """Afterwards neither store holds it, except blobs that other documents need.

        Raises:
            EloquentError: a store did not do it; the note stays, and the sweep tries again.
        """
        if leftover.chunk_ids is None:
            await self._vectors.delete_document(leftover.collection, leftover.document_id)
        elif leftover.chunk_ids:
            await self._vectors.delete(leftover.collection, leftover.chunk_ids)
        for key in leftover.blob_keys:
            await self._remove_blob(key)
        with translated():
            await self._pool.execute(_DONE, leftover.leftover_id)

    async def try_to_remove(self, leftover: Leftover) -> bool:
        """Remove it now if that works; if not, the sweep will. Whether it is gone."""
        try:
            await self.remove(leftover)
        except EloquentError as error:
            log.warning("leftovers stay for the sweep", reason=str(error))
            return False
        return True

    async def try_to_remove_work(self, document_id: UUID, version: int, generation: int) -> None:
        """What this try at a version wrote, unless it was made searchable: nobody will use it."""
        with translated():
            row = await self._pool.fetchrow(_OF_WORK, document_id, version, generation)
        if row is not None:
            await self.try_to_remove(leftover_of(row))

    async def _remove_blob(self, key: str) -> None:
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute(LOCK_BLOB, key)
                if not await connection.fetchval(_BLOB_IS_NEEDED, key):
                    await self._blobs.delete(key)


def leftover_of(row: asyncpg.Record) -> Leftover:
    """A row of `leftovers` as what it stands for."""
    chunk_ids = row["chunk_ids"]
    return Leftover(
        leftover_id=row["leftover_id"],
        collection=row["collection"],
        document_id=row["document_id"],
        chunk_ids=None if chunk_ids is None else tuple(chunk_ids),
        blob_keys=tuple(row["blob_keys"]),
    )
