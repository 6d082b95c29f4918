"""Document versions in PostgreSQL, as the worker takes them from `uploaded` to `searchable` or `failed`."""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

import asyncpg

from ingest_service.swap import PIECE, Swapped, swap_in
from ingest_service.work import Backlog, Begun, NewChunk, Queued, StoppedError, Work
from libs.db.errors import translated

BACKLOG_MAX = 1000
"""Documents that are looked at: who waits behind more is told too little."""

_BEGIN = """
    UPDATE document_versions AS v
    SET status = 'parsing', progress_done = 0, progress_total = 0, seconds_left = NULL, updated_at = now(),
        stage_at = now(),
        publications = GREATEST(publications, 1)
    FROM documents AS d
    WHERE v.document_id = $1 AND v.version = $2 AND v.generation = $3 AND d.document_id = v.document_id
      AND v.status IN ('uploaded', 'parsing', 'chunking', 'embedding')
    RETURNING v.document_id, v.version, v.generation, d.owner_id, d.collection, d.title, d.title_given,
              d.current_version, v.media_type, v.size_bytes, v.blob_key
"""

_ADVANCE = """
    UPDATE document_versions
    SET status = $4, progress_done = $5, progress_total = $6, seconds_left = $7, updated_at = now(),
        stage_at = CASE status WHEN $4 THEN stage_at ELSE now() END
    WHERE document_id = $1 AND version = $2 AND generation = $3 AND status IN ('parsing', 'chunking', 'embedding')
    RETURNING version
"""

_FAIL = """
    UPDATE document_versions SET status = 'failed', failure_code = $4, failure_message = $5, updated_at = now()
    WHERE document_id = $1 AND version = $2 AND generation = $3
      AND status IN ('queued', 'uploaded', 'parsing', 'chunking', 'embedding')
    RETURNING version
"""

# The note of what is about to be written stands before the first vector does.
_PLAN = """
    WITH begun AS (
        UPDATE document_versions
        SET status = 'embedding', progress_done = 0, progress_total = $6, seconds_left = NULL, updated_at = now(),
            stage_at = now()
        WHERE document_id = $1 AND version = $2 AND generation = $3 AND status IN ('parsing', 'chunking', 'embedding')
        RETURNING version
    )
    INSERT INTO leftovers (document_id, version, generation, collection, chunk_ids)
    SELECT $1, version, $3, $4, $5 FROM begun
    ON CONFLICT (document_id, version, generation) WHERE version IS NOT NULL DO UPDATE SET chunk_ids = $5
    RETURNING version
"""

# Each part of it is one partial index's.
_QUEUED = """
    SELECT media_type, count(*) AS documents, sum(size_bytes)::bigint AS size_bytes
    FROM (
        (SELECT media_type, size_bytes FROM document_versions WHERE status = 'uploaded' LIMIT $1)
        UNION ALL (SELECT media_type, size_bytes FROM document_versions WHERE status = 'queued' LIMIT $1)
    ) AS queued
    GROUP BY media_type
"""

_BEGUN = """
    SELECT document_id, media_type, size_bytes, progress_done, CASE status WHEN 'embedding' THEN progress_total END
    FROM document_versions WHERE status IN ('parsing', 'chunking', 'embedding') LIMIT $1
"""

_KEPT = """
    SELECT content_hash, chunk_id FROM chunks
    WHERE document_id = $1 AND version = $2 AND content_hash = ANY ($3)
"""


class Versions:
    """The versions of all documents.

    Args:
        pool: the database of the rows.
        piece: chunks that are made searchable in one call at most.
    """

    def __init__(self, pool: asyncpg.Pool, *, piece: int = PIECE) -> None:
        self._pool = pool
        self._piece = piece

    async def begin(self, document_id: UUID, version: int, generation: int) -> Work | None:
        """The version, now `parsing`; None when there is nothing to do, for it is finished, gone or tried anew.

        Raises:
            TransientError: the database did not answer.
        """
        with translated():
            row = await self._pool.fetchrow(_BEGIN, document_id, version, generation)
        return None if row is None else Work(**row)

    async def kept(self, work: Work, hashes: Sequence[bytes]) -> dict[bytes, list[UUID]]:
        """Chunks of the version that questions find now which have these contents: their ids, by content."""
        if work.current_version is None:
            return {}
        found: dict[bytes, list[UUID]] = {}
        with translated():
            for row in await self._pool.fetch(_KEPT, work.document_id, work.current_version, hashes):
                found.setdefault(row["content_hash"], []).append(row["chunk_id"])
        return found

    async def plan(self, work: Work, chunk_ids: Sequence[UUID]) -> None:
        """Vectors of these ids are about to be written: whatever becomes of the work, the collector knows them.

        Raises:
            StoppedError: nobody waits for it any more.
            TransientError: the database did not answer.
        """
        with translated():
            key = (work.document_id, work.version, work.generation)
            row = await self._pool.fetchrow(_PLAN, *key, work.collection, chunk_ids, len(chunk_ids))
        if row is None:
            raise StoppedError

    async def advance(
        self,
        work: Work,
        stage: Literal["chunking", "embedding"],
        *,
        done: int = 0,
        total: int = 0,
        seconds_left: float | None = None,
    ) -> None:
        """Note how far the work is.

        Args:
            work: the version.
            stage: what is going on.
            done: chunks embedded so far.
            total: chunks there are.
            seconds_left: until it is searchable, when that can be said.

        Raises:
            StoppedError: nobody waits for it any more.
            TransientError: the database did not answer.
        """
        with translated():
            key = (work.document_id, work.version, work.generation)
            row = await self._pool.fetchrow(_ADVANCE, *key, stage, done, total, seconds_left)
        if row is None:
            raise StoppedError

    async def backlog(self) -> Backlog:
        """What no worker has begun, and what they are on; of very much not all.

        Raises:
            TransientError: the database did not answer.
        """
        with translated():
            queued = await self._pool.fetch(_QUEUED, BACKLOG_MAX)
            begun = await self._pool.fetch(_BEGUN, BACKLOG_MAX)
        return Backlog([Queued(*row) for row in queued], [Begun(*row) for row in begun])

    async def fail(self, document_id: UUID, version: int, generation: int, *, code: str, message: str) -> bool:
        """End the version with a reason, unless it has ended already; what was searchable stays so."""
        with translated():
            return await self._pool.fetchrow(_FAIL, document_id, version, generation, code, message) is not None

    async def make_searchable(
        self, work: Work, *, title: str | None, chunks: Sequence[NewChunk], places: int
    ) -> Swapped:
        """In one transaction: the chunks are rows, questions find them instead of the old ones, caches are void.

        In the same one the owner's next versions begin. Once is as good as twice. A version that a newer one has
        overtaken, or whose document is gone, is not made searchable.

        Args:
            work: the version.
            title: what the content calls itself.
            chunks: all of them, in order, one at least; their vectors are in the store.
            places: versions of one owner that are under way at once.

        Raises:
            StoppedError: nobody waits for it any more.
            TransientError: the database did not answer, or a vector that was to be kept has gone; nothing has changed.
        """
        with translated():
            return await swap_in(self._pool, work, title, chunks, places=places, piece=self._piece)
