"""Documents of deleted collections, which nobody can read any more, are taken away in pieces."""

import asyncpg
import structlog

from ingest_service.leftovers import Leftover, Removal, leftover_of
from libs.db.errors import translated
from libs.errors import EloquentError

log = structlog.get_logger()

PIECE = 50
"""Documents in a transaction, so that a large collection outlasts no statement's time and holds no long locks."""

_REMOVED = "SELECT collection FROM removed_collections ORDER BY removed_at LIMIT 100"

_DOCUMENTS = "SELECT document_id FROM documents WHERE collection = $1 ORDER BY document_id LIMIT $2 FOR UPDATE"

_NOTE = """
    INSERT INTO leftovers (collection, document_id, chunk_ids, blob_keys)
    SELECT $1, document_id, NULL, array_agg(DISTINCT blob_key) FROM document_versions
    WHERE document_id = ANY ($2) GROUP BY document_id
    RETURNING leftover_id, collection, document_id, chunk_ids, blob_keys
"""

_DELETE = "DELETE FROM documents WHERE document_id = ANY ($1)"

_FORGET = """
    WITH cleared AS (DELETE FROM removed_collections WHERE collection = $1),
    emptied AS (DELETE FROM lexical_sizes WHERE collection = $1)
    DELETE FROM knowledge_versions WHERE collection = $1
"""


class Clearing:
    """What a deleted collection held goes; doing it twice, or in two processes, does no harm.

    Args:
        pool: the database of the rows.
        removal: takes away vectors and blobs.
    """

    def __init__(self, pool: asyncpg.Pool, removal: Removal) -> None:
        self._pool = pool
        self._removal = removal

    async def clear_all(self) -> None:
        """Afterwards no collection that was deleted before has a document left.

        Raises:
            TransientError: the database did not answer; a later call clears the rest.
        """
        with translated():
            removed = [row["collection"] for row in await self._pool.fetch(_REMOVED)]
        for collection in removed:
            while not await self.clear_piece(collection):
                pass

    async def clear_piece(self, collection: str) -> bool:
        """Takes away some documents of a deleted collection; whether none is left.

        Raises:
            TransientError: the database did not answer.
        """
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                found = [row["document_id"] for row in await connection.fetch(_DOCUMENTS, collection, PIECE)]
                leftovers: list[Leftover] = [
                    leftover_of(row) for row in await connection.fetch(_NOTE, collection, found)
                ]
                await connection.execute(_DELETE, found)
                is_last = len(found) < PIECE
                if is_last:
                    await connection.execute(_FORGET, collection)
        for leftover in leftovers:
            await self._removal.try_to_remove(leftover)
        return is_last

    async def try_to_clear(self, collection: str) -> None:
        """The first piece now if that works; the worker clears the rest."""
        try:
            await self.clear_piece(collection)
        except EloquentError as error:
            log.warning("a deleted collection waits to be cleared", reason=str(error))
