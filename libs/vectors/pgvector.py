"""Vectors in PostgreSQL, found by pgvector's HNSW index."""

import asyncio
import struct
from collections.abc import Sequence
from uuid import UUID

import asyncpg

from libs.db.errors import translated
from libs.errors import PermanentError

Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy

MAX_DIMENSIONS = 4000
"""What pgvector indexes in half precision."""

# Its settings and its plan are its own: ingest_service/migrations/0003_nearest_chunks.sql.
_SEARCH = "SELECT chunk_id, score FROM nearest_chunks_v1($1, $2, $3, $4)"

# As `real[]` a vector travels in binary: 45 µs a row for 384 numbers, where its text form costs 147.
# New ones, as nearly all are, come by COPY in pgvector's own binary form, of half the size.
_COLUMNS = ("chunk_id", "collection", "document_id", "embedding")
_UPSERT = """
    INSERT INTO chunk_vectors (chunk_id, collection, document_id, embedding)
    VALUES ($1, $2, $3, $4::real[]::halfvec)
    ON CONFLICT (chunk_id) DO UPDATE
    SET collection = EXCLUDED.collection, document_id = EXCLUDED.document_id, embedding = EXCLUDED.embedding
"""

_DELETE = "DELETE FROM chunk_vectors WHERE chunk_id = ANY ($2) AND collection = $1"

_DELETE_DOCUMENT = "DELETE FROM chunk_vectors WHERE document_id = $2 AND collection = $1"

_CHECK = "SELECT FROM chunk_vectors LIMIT 1"


class PgVectorStore:
    """The table `chunk_vectors`; vectors of another dimension than ours are never found.

    Args:
        pool: the caller's to close.
        dimensions: of every vector, 1 to `MAX_DIMENSIONS`; the migrations have an index for the usual ones, any other
            is searched exactly, which takes longer.
        search_timeout_seconds: how long a search may take, waiting for a connection included.
    """

    def __init__(self, pool: asyncpg.Pool, *, dimensions: int, search_timeout_seconds: float = 5.0) -> None:
        if not 1 <= dimensions <= MAX_DIMENSIONS:
            raise PermanentError(f"pgvector takes 1 to {MAX_DIMENSIONS} dimensions")
        self._pool = pool
        # Dimension, a reserved word, and half-precision numbers, as pgvector's `halfvec_recv` reads them.
        self._binary = struct.Struct(f">HH{dimensions}e")
        self._prepared: set[int] = set()
        self._dimensions = dimensions
        self._search_timeout_seconds = search_timeout_seconds

    async def upsert(self, collection: str, items: Sequence[tuple[UUID, UUID, Sequence[float]]]) -> None:
        """Afterwards every search finds these vectors; all or none are written.

        Args:
            collection: which collection they belong to.
            items: chunk id, document id, embedding.

        Raises:
            PermanentError: an embedding has another dimension than the store.
            TransientError: the database did not answer.
        """
        for _, _, vector in items:
            self._check_dimension(vector)
        rows = [(chunk_id, collection, document_id, vector) for chunk_id, document_id, vector in items]
        with translated():
            async with self._pool.acquire() as connection:
                try:
                    await self._copy(connection, rows)
                except asyncpg.UniqueViolationError:
                    # A try before this one wrote some of them.
                    await connection.executemany(_UPSERT, rows)

    async def _copy(self, connection: Connection, rows: Sequence[tuple[UUID, str, UUID, Sequence[float]]]) -> None:
        # The pool lends a connection under another object each time; its server process is the same.
        process = connection.get_server_pid()
        if process not in self._prepared:
            await connection.set_type_codec(
                "halfvec", schema="public", format="binary", encoder=self._encoded, decoder=bytes
            )
            self._prepared.add(process)
        await connection.copy_records_to_table("chunk_vectors", records=rows, columns=_COLUMNS)

    async def search(
        self, vector: Sequence[float], *, collections: Sequence[str], top_k: int
    ) -> list[tuple[UUID, float]]:
        """The `top_k` nearest chunks of these collections with their cosine similarity, best first; fewer if fewer are.

        Args:
            vector: one embedding.
            collections: where to look; nowhere else.
            top_k: 1 to 1000.

        Raises:
            PermanentError: the embedding has another dimension than the store.
            TransientError: the database did not answer in time.
        """
        self._check_dimension(vector)
        with translated():
            async with asyncio.timeout(self._search_timeout_seconds):
                rows = await self._pool.fetch(_SEARCH, vector, self._dimensions, collections, top_k)
        return [(row["chunk_id"], row["score"]) for row in rows]

    async def delete(self, collection: str, chunk_ids: Sequence[UUID]) -> None:
        """Afterwards these chunks have no vector in the collection; unknown ones are no error.

        Raises:
            TransientError: the database did not answer.
        """
        with translated():
            await self._pool.execute(_DELETE, collection, chunk_ids)

    async def delete_document(self, collection: str, document_id: UUID) -> None:
        """Afterwards no chunk of the document, of any version, has a vector in the collection.

        Raises:
            TransientError: the database did not answer.
        """
        with translated():
            await self._pool.execute(_DELETE_DOCUMENT, collection, document_id)

    async def check(self) -> None:
        """Raises when the table cannot be read."""
        await self._pool.execute(_CHECK)

    def _encoded(self, vector: Sequence[float]) -> bytes:
        return self._binary.pack(self._dimensions, 0, *vector)

    def _check_dimension(self, vector: Sequence[float]) -> None:
        if len(vector) != self._dimensions:
            raise PermanentError(f"an embedding has {len(vector)} dimensions, the store has {self._dimensions}")
