"""Document versions in PostgreSQL, as the worker takes them from `uploaded` to `searchable` or `failed`."""

from collections.abc import Sequence
from typing import Literal, NamedTuple
from uuid import UUID

import asyncpg
import msgspec

from ingest_service.chunking import Chunk
from ingest_service.knowledge import Connection, bump
from ingest_service.leftovers import Leftover, note
from libs.db.errors import translated

_BEGIN = """
    UPDATE document_versions AS v
    SET status = 'parsing', progress_done = 0, progress_total = 0, updated_at = now()
    FROM documents AS d
    WHERE v.document_id = $1 AND v.version = $2 AND d.document_id = v.document_id
      AND v.status IN ('uploaded', 'parsing', 'chunking', 'embedding')
    RETURNING v.document_id, v.version, d.collection, d.title, d.title_given, v.media_type, v.blob_key
"""

_EXISTS = "SELECT EXISTS (SELECT FROM documents WHERE document_id = $1)"

_ADVANCE = """
    UPDATE document_versions SET status = $3, progress_done = $4, progress_total = $5, updated_at = now()
    WHERE document_id = $1 AND version = $2 AND status IN ('parsing', 'chunking', 'embedding')
    RETURNING version
"""

_FAIL = """
    UPDATE document_versions SET status = 'failed', failure_code = $3, failure_message = $4, updated_at = now()
    WHERE document_id = $1 AND version = $2 AND status IN ('uploaded', 'parsing', 'chunking', 'embedding')
    RETURNING version
"""

_LOCK = "SELECT current_version FROM documents WHERE document_id = $1 FOR UPDATE"

_FORGET_CHUNKS = "DELETE FROM chunks WHERE document_id = $1 AND version <> $2 RETURNING chunk_id"

_REPLACE_OLDER = """
    UPDATE document_versions SET status = 'replaced', updated_at = now()
    WHERE document_id = $1 AND version < $2 AND status IN ('searchable', 'failed')
    RETURNING blob_key
"""

_REPLACE = (
    "UPDATE document_versions SET status = 'replaced', updated_at = now() WHERE document_id = $1 AND version = $2"
)

_CHUNK_COLUMNS = (
    *("chunk_id", "document_id", "version", "ordinal", "collection"),
    *("text", "page", "heading", "start_char", "end_char", "place"),
)

_SEARCHABLE = """
    UPDATE document_versions
    SET status = 'searchable', progress_done = $3, progress_total = $3, failure_code = NULL, failure_message = NULL,
        updated_at = now()
    WHERE document_id = $1 AND version = $2
"""

_SWAP = """
    UPDATE documents
    SET current_version = $2, updated_at = now(), title = CASE WHEN title_given THEN title ELSE COALESCE($3, title) END
    WHERE document_id = $1
"""


class Work(NamedTuple):
    """A version to be made searchable.

    Attributes:
        title: of the document so far; `title_given` says that its content may not change it.
    """

    document_id: UUID
    version: int
    collection: str
    title: str
    title_given: bool
    media_type: str
    blob_key: str


class NewChunk(NamedTuple):
    """A chunk with the id it will have."""

    chunk_id: UUID
    chunk: Chunk


class StoppedError(Exception):
    """The version was deleted or finished by someone else: the work on it is pointless."""


class Versions:
    """The versions of all documents."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def begin(self, document_id: UUID, version: int) -> Work | None:
        """The version, now `parsing`; None when there is nothing to do, for it is finished or gone.

        Raises:
            TransientError: the database did not answer.
        """
        with translated():
            row = await self._pool.fetchrow(_BEGIN, document_id, version)
        return None if row is None else Work(**row)

    async def exists(self, document_id: UUID) -> bool:
        """Whether the document has not been deleted."""
        with translated():
            return bool(await self._pool.fetchval(_EXISTS, document_id))

    async def advance(
        self, work: Work, stage: Literal["chunking", "embedding"], *, done: int = 0, total: int = 0
    ) -> None:
        """Note how far the work is.

        Args:
            work: the version.
            stage: what is going on.
            done: chunks embedded so far.
            total: chunks there are.

        Raises:
            StoppedError: nobody waits for it any more.
            TransientError: the database did not answer.
        """
        with translated():
            row = await self._pool.fetchrow(_ADVANCE, work.document_id, work.version, stage, done, total)
        if row is None:
            raise StoppedError

    async def fail(self, document_id: UUID, version: int, *, code: str, message: str) -> bool:
        """End the version with a reason, unless it has ended already; what was searchable stays so."""
        with translated():
            return await self._pool.fetchrow(_FAIL, document_id, version, code, message) is not None

    async def make_searchable(self, work: Work, *, title: str | None, chunks: Sequence[NewChunk]) -> Leftover | None:
        """In one transaction: the chunks are rows, questions find them instead of the old ones, caches are void.

        Once is as good as twice. A version that a newer one has overtaken, or whose document is gone, is not made
        searchable.

        Args:
            work: the version.
            title: what the content calls itself.
            chunks: all of them, in order; their vectors are in the store.

        Returns:
            What may be removed now, if anything.

        Raises:
            TransientError: the database did not answer; nothing has changed.
        """
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                document = await connection.fetchrow(_LOCK, work.document_id)
                if document is None:
                    return await _note(connection, work, chunk_ids=None, blob_keys=[work.blob_key])
                current: int = document["current_version"] or 0
                if current == work.version:
                    return None
                if current > work.version:
                    await connection.execute(_REPLACE, work.document_id, work.version)
                    mine = [chunk_id for chunk_id, _ in chunks]
                    return await _note(connection, work, chunk_ids=mine, blob_keys=[work.blob_key])
                return await _swap(connection, work, title, chunks)


async def _swap(connection: Connection, work: Work, title: str | None, chunks: Sequence[NewChunk]) -> Leftover | None:
    key = (work.document_id, work.version)
    old_chunks = [row["chunk_id"] for row in await connection.fetch(_FORGET_CHUNKS, *key)]
    old_blobs = {row["blob_key"] for row in await connection.fetch(_REPLACE_OLDER, *key)}
    rows = [
        (
            *(chunk_id, *key, ordinal, work.collection),
            *(chunk.text, chunk.page, chunk.heading, chunk.start, chunk.end),
            None if chunk.more is None else msgspec.to_builtins(chunk.more),
        )
        for ordinal, (chunk_id, chunk) in enumerate(chunks)
    ]
    await connection.copy_records_to_table("chunks", records=rows, columns=_CHUNK_COLUMNS)
    await connection.execute(_SEARCHABLE, *key, len(chunks))
    await connection.execute(_SWAP, *key, title)
    await bump(connection, work.collection)
    old_blobs.discard(work.blob_key)
    if not old_chunks and not old_blobs:
        return None
    return await _note(connection, work, chunk_ids=old_chunks, blob_keys=sorted(old_blobs))


async def _note(
    connection: Connection, work: Work, *, chunk_ids: Sequence[UUID] | None, blob_keys: Sequence[str]
) -> Leftover:
    return await note(
        connection,
        collection=work.collection,
        document_id=work.document_id,
        chunk_ids=chunk_ids,
        blob_keys=blob_keys,
    )
