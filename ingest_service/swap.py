"""The one transaction that makes a version searchable as a whole."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from ingest_service.knowledge import Connection, bump
from ingest_service.leftovers import Leftover, note
from ingest_service.work import NewChunk, StoppedError, Work
from libs.errors import TransientError

_LOCK = """
    SELECT current_version, status, generation FROM documents JOIN document_versions USING (document_id)
    WHERE document_id = $1 AND version = $2 FOR UPDATE
"""

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
    *("text", "page", "heading", "start_char", "end_char", "place", "content_hash"),
    *("language", "context"),
)

_SWAP = """
    WITH searchable AS (
        UPDATE document_versions
        SET status = 'searchable', progress_done = $4, progress_total = $4, failure_code = NULL,
            failure_message = NULL, updated_at = now()
        WHERE document_id = $1 AND version = $2
    ), written AS (
        DELETE FROM leftovers WHERE document_id = $1 AND version = $2 AND generation = $5
    )
    UPDATE documents
    SET current_version = $2, updated_at = now(), title = CASE WHEN title_given THEN title ELSE COALESCE($3, title) END
    WHERE document_id = $1
"""


async def swap_in(connection: Connection, work: Work, title: str | None, chunks: Sequence[NewChunk]) -> Leftover | None:
    """Within the caller's transaction: the chunks are rows, and questions find them instead of the old ones.

    Returns:
        What may be removed when it is committed, if anything.

    Raises:
        StoppedError: it was cancelled, or is tried anew.
        TransientError: a vector that was to be kept has gone.
    """
    document = await connection.fetchrow(_LOCK, work.document_id, work.version)
    if document is None:
        return await _note(connection, work, chunk_ids=None, blob_keys=[work.blob_key])
    current: int = document["current_version"] or 0
    if current == work.version:
        return None
    if current > work.version:
        await connection.execute(_REPLACE, work.document_id, work.version)
        mine = [new.chunk_id for new in chunks if not new.is_kept]
        return await _note(connection, work, chunk_ids=mine, blob_keys=[work.blob_key])
    if (document["generation"], document["status"]) != (work.generation, "embedding"):
        raise StoppedError
    return await _swap(connection, work, title, chunks)


async def _swap(connection: Connection, work: Work, title: str | None, chunks: Sequence[NewChunk]) -> Leftover | None:
    key = (work.document_id, work.version)
    old_chunks: set[UUID] = set()
    old_blobs: set[str] = set()
    if work.version > 1:
        old_chunks = {row["chunk_id"] for row in await connection.fetch(_FORGET_CHUNKS, *key)}
        old_blobs = {row["blob_key"] for row in await connection.fetch(_REPLACE_OLDER, *key)}
    kept = {new.chunk_id for new in chunks if new.is_kept}
    if not kept <= old_chunks:
        # Another version was swapped in and out meanwhile. The next try embeds what it took away.
        raise TransientError("the version that vectors were kept from is gone")
    rows = [
        (
            *(new.chunk_id, *key, ordinal, work.collection),
            *(new.chunk.text, new.chunk.page, new.chunk.heading, new.chunk.start, new.chunk.end),
            None if new.chunk.more is None else msgspec.to_builtins(new.chunk.more),
            *(new.content_hash, new.language, new.context),
        )
        for ordinal, new in enumerate(chunks)
    ]
    await connection.copy_records_to_table("chunks", records=rows, columns=_CHUNK_COLUMNS)
    await connection.execute(_SWAP, *key, title, len(chunks), work.generation)
    await bump(connection, work.collection)
    old_blobs.discard(work.blob_key)
    gone = sorted(old_chunks - kept)
    if not gone and not old_blobs:
        return None
    return await _note(connection, work, chunk_ids=gone, blob_keys=sorted(old_blobs))


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
