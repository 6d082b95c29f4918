"""Document versions in PostgreSQL that nobody seems to work on: what the sweep looks through."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple
from uuid import UUID

import asyncpg

from libs.contracts.events import DocumentUploaded
from libs.contracts.values import Principal
from libs.db.errors import translated

_ALONE = "SELECT pg_try_advisory_xact_lock(hashtextextended('ingest sweep', 0))"

_STALLED = """
    SELECT document_id, version, generation, owner_id, collection, publications,
           extract(epoch FROM now() - document_versions.updated_at)::float8 AS idle_seconds
    FROM document_versions JOIN documents USING (document_id)
    WHERE status IN ('uploaded', 'parsing', 'chunking', 'embedding')
      AND document_versions.updated_at
          < now() - make_interval(secs => CASE publications WHEN 0 THEN $1::float8 ELSE $2 END)
    ORDER BY document_versions.updated_at LIMIT $3
"""

_AGAIN = """
    UPDATE document_versions SET publications = publications + 1, updated_at = now()
    WHERE document_id = $1 AND version = $2
"""


class Stalled(NamedTuple):
    """A version that made no progress.

    Attributes:
        publications: how often its event was published.
        idle_seconds: since it made progress, or was published last.
    """

    document_id: UUID
    version: int
    generation: int
    owner_id: UUID
    collection: str
    publications: int
    idle_seconds: float

    def event(self) -> DocumentUploaded:
        """The event that gets it going."""
        # The owner's groups are not stored: nothing that happens from here on asks for them.
        owner = Principal(user_id=self.owner_id, is_guest=False)
        return DocumentUploaded(
            document_id=self.document_id,
            version=self.version,
            owner=owner,
            collection=self.collection,
            generation=self.generation,
        )


class StalledVersions:
    """The versions of all documents."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[bool]:
        """Whether no other process sweeps, until the block ends."""
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                yield bool(await connection.fetchval(_ALONE))

    async def find(self, *, unpublished_seconds: float, idle_seconds: float, limit: int) -> Sequence[Stalled]:
        """Versions that were stored so long ago and never published, or moved last so long ago; those first."""
        with translated():
            rows = await self._pool.fetch(_STALLED, unpublished_seconds, idle_seconds, limit)
        return [Stalled(**row) for row in rows]

    async def publish_again(self, stalled: Stalled) -> None:
        """Count a publication."""
        with translated():
            await self._pool.execute(_AGAIN, stalled.document_id, stalled.version)
