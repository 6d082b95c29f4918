"""Documents in Postgres and the vector store, as ingest leaves them."""

from collections.abc import Sequence
from uuid import UUID, uuid4

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from libs.vectors.pgvector import PgVectorStore
from tests.fakes.openai_server import embedding

DIMENSIONS = 384

Connection = asyncpg.Connection | PoolConnectionProxy

_ADD_DOCUMENT = """
    INSERT INTO documents
        (document_id, owner_id, collection, file_name, title, title_given, latest_version, current_version)
    VALUES ($1, $2, $3, $4, $4, false, 1, 1)
"""
_ADD_VERSION = """
    INSERT INTO document_versions (document_id, version, sha256, size_bytes, media_type, blob_key, status)
    VALUES ($1, $2, '', 0, 'text/markdown', '', 'searchable')
"""
_ADD_CHUNK = """
    INSERT INTO chunks (chunk_id, document_id, version, ordinal, collection, text, page, heading,
                        start_char, end_char, place)
    VALUES ($1, $2, $3, $4, $5, $6, 2, '{Payments,Times}', 10, 10 + length($6), '{"page_starts": [12], "rows": [3, 4]}')
"""
_SWITCH = "UPDATE documents SET latest_version = $2, current_version = $2 WHERE document_id = $1"
_RAISE = """
    INSERT INTO knowledge_versions (collection, version) VALUES ($1, 1)
    ON CONFLICT (collection) DO UPDATE SET version = knowledge_versions.version + 1
"""


class Shelf:
    """Puts documents where retrieval finds them: vectors first, then all rows in one transaction."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self.store = PgVectorStore(pool, dimensions=DIMENSIONS)

    async def add(self, *texts: str, collection: str = "public") -> UUID:
        """A searchable document of these passages."""
        document_id = uuid4()
        chunk_ids = await self._embed(document_id, texts, collection)
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(_ADD_DOCUMENT, document_id, uuid4(), collection, f"{document_id}.md")
            await self._add_version(connection, document_id, 1, texts, chunk_ids, collection)
            await connection.execute(_RAISE, collection)
        return document_id

    async def replace(self, document_id: UUID, *texts: str, collection: str = "public") -> None:
        """Version 2 becomes the searchable one; the vectors of version 1 stay for a collector."""
        chunk_ids = await self._embed(document_id, texts, collection)
        async with self._pool.acquire() as connection, connection.transaction():
            await self._add_version(connection, document_id, 2, texts, chunk_ids, collection)
            await connection.execute(_SWITCH, document_id, 2)
            await connection.execute(_RAISE, collection)

    async def delete(self, document_id: UUID, *, collection: str = "public", raise_version: bool = True) -> None:
        """The rows go, the vectors stay for a collector."""
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute("DELETE FROM documents WHERE document_id = $1", document_id)
            if raise_version:
                await connection.execute(_RAISE, collection)

    async def _embed(self, document_id: UUID, texts: Sequence[str], collection: str) -> list[UUID]:
        chunk_ids = [uuid4() for _ in texts]
        vectors = [embedding(text, DIMENSIONS) for text in texts]
        items = [(chunk_id, document_id, vector) for chunk_id, vector in zip(chunk_ids, vectors, strict=True)]
        await self.store.upsert(collection, items)
        return chunk_ids

    @staticmethod
    async def _add_version(
        connection: Connection,
        document_id: UUID,
        version: int,
        texts: Sequence[str],
        chunk_ids: Sequence[UUID],
        collection: str,
    ) -> None:
        await connection.execute(_ADD_VERSION, document_id, version)
        for ordinal, (chunk_id, text) in enumerate(zip(chunk_ids, texts, strict=True)):
            await connection.execute(_ADD_CHUNK, chunk_id, document_id, version, ordinal, collection, text)
