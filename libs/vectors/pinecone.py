"""Vectors in a Pinecone index: one namespace per collection."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import AsyncExitStack
from itertools import islice
from types import TracebackType
from typing import TYPE_CHECKING, Self
from uuid import UUID

from libs.errors import PermanentError
from libs.vectors.pinecone_errors import translated
from libs.vectors.spans import pinecone_call

if TYPE_CHECKING:
    from pinecone.async_client.async_index import AsyncIndex

# Pinecone's limits on one request, https://docs.pinecone.io/reference/api/database-limits/operation-limits
MAX_RECORDS = 1000
MAX_BODY_BYTES = 2_000_000

NUMBER_BYTES = 24
"""A double in JSON at its longest, with its comma."""
RECORD_BYTES = 256
"""Id, metadata and punctuation of one record, generously."""

FIRST_LOOK_SECONDS = 0.05
LAST_LOOK_SECONDS = 1.0
"""Between looks whether a write has been indexed: from often to seldom."""


class PineconeStore:
    """One Pinecone index with the cosine metric; an async context manager.

    The SDK is imported when the store is entered: who does not use Pinecone does not pay its memory.

    Args:
        api_key: the project's key.
        host: the index's host, from its page in the console.
        dimensions: of every vector, as the index was created.
        search_timeout_seconds: how long a search may take, the SDK's three retries included.
        write_timeout_seconds: how long one write request may take, the SDK's three retries included.
        settle_seconds: how long Pinecone may take until a write is found.
    """

    def __init__(
        self,
        api_key: str,
        *,
        host: str,
        dimensions: int,
        search_timeout_seconds: float = 5.0,
        write_timeout_seconds: float = 30.0,
        settle_seconds: float = 60.0,
    ) -> None:
        self._api_key = api_key
        self._host = host
        self._dimensions = dimensions
        self._search_timeout_seconds = search_timeout_seconds
        self._write_timeout_seconds = write_timeout_seconds
        self._settle_seconds = settle_seconds
        self._batch_size = min(MAX_RECORDS, MAX_BODY_BYTES // (dimensions * NUMBER_BYTES + RECORD_BYTES))
        self._resources = AsyncExitStack()
        self._opened: AsyncIndex | None = None

    async def __aenter__(self) -> Self:
        from pinecone import AsyncPinecone

        # It logs every call with its namespace, which names a user.
        logging.getLogger("pinecone").setLevel(logging.WARNING)
        client = await self._resources.enter_async_context(AsyncPinecone(self._api_key))
        self._opened = await self._resources.enter_async_context(await client.index(host=self._host))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened = None
        await self._resources.aclose()

    async def upsert(self, collection: str, items: Sequence[tuple[UUID, UUID, Sequence[float]]]) -> None:
        """Afterwards every search finds these vectors; if it raises, some may have been written.

        Args:
            collection: which collection they belong to.
            items: chunk id, document id, embedding.

        Raises:
            PermanentError: an embedding has another dimension than the store, or Pinecone refuses the request.
            TransientError: Pinecone did not answer in time, is over its rate limit, or has not indexed it in time.
        """
        for _, _, vector in items:
            self._check_dimension(vector)
        written = 0
        rest = iter(items)
        while batch := list(islice(rest, self._batch_size)):
            vectors = [
                {"id": str(chunk_id), "values": list(vector), "metadata": {"document_id": str(document_id)}}
                for chunk_id, document_id, vector in batch
            ]
            with pinecone_call("upsert"), translated():
                async with asyncio.timeout(self._write_timeout_seconds):
                    response = await self._index.upsert(vectors=vectors, namespace=collection)
            if response.response_info is not None:
                written = max(written, response.response_info.lsn_committed or 0)
        if written:
            await self._settle(collection, items[-1][2], written)

    async def _settle(self, collection: str, vector: Sequence[float], written: int) -> None:
        # Pinecone indexes a little later than it writes. Without the wait a document would be announced as searchable
        # before it is, and what a question did not find in that time would stay in the caches.
        pause = FIRST_LOOK_SECONDS
        with pinecone_call("settle"), translated():
            async with asyncio.timeout(self._settle_seconds):
                while True:
                    response = await self._index.query(vector=list(vector), namespace=collection, top_k=1)
                    if response.response_info is None or response.response_info.lsn_reconciled is None:
                        return  # this kind of index does not tell
                    if response.response_info.is_reconciled(written):
                        return
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, LAST_LOOK_SECONDS)

    async def search(
        self, vector: Sequence[float], *, collections: Sequence[str], top_k: int
    ) -> list[tuple[UUID, float]]:
        """The `top_k` nearest chunks of these collections with their cosine similarity, best first; fewer if fewer are.

        Args:
            vector: one embedding.
            collections: where to look; nowhere else. All are asked at the same time.
            top_k: 1 to 1000.

        Raises:
            PermanentError: the embedding has another dimension than the store, or Pinecone refuses the request.
            TransientError: Pinecone did not answer in time or is over its rate limit.
        """
        self._check_dimension(vector)
        if not collections:
            return []
        with pinecone_call("query"), translated():
            async with asyncio.timeout(self._search_timeout_seconds):
                merged = await self._index.query_namespaces(
                    vector=list(vector), namespaces=list(collections), metric="cosine", top_k=top_k
                )
        return [(UUID(match.id), match.score) for match in merged.matches]

    async def delete(self, collection: str, chunk_ids: Sequence[UUID]) -> None:
        """Soon afterwards these chunks have no vector in the collection; unknown ones are no error.

        Raises:
            PermanentError: Pinecone refuses the request.
            TransientError: Pinecone did not answer in time or is over its rate limit.
        """
        rest = iter(chunk_ids)
        while batch := [str(chunk_id) for chunk_id in islice(rest, MAX_RECORDS)]:
            with pinecone_call("delete"), translated(missing_is_fine=True):
                async with asyncio.timeout(self._write_timeout_seconds):
                    await self._index.delete(ids=batch, namespace=collection)

    async def delete_document(self, collection: str, document_id: UUID) -> None:
        """Soon afterwards no chunk of the document, of any version, has a vector in the collection.

        Raises:
            PermanentError: Pinecone refuses the request.
            TransientError: Pinecone did not answer in time or is over its rate limit.
        """
        with pinecone_call("delete"), translated(missing_is_fine=True):
            async with asyncio.timeout(self._write_timeout_seconds):
                await self._index.delete(filter={"document_id": {"$eq": str(document_id)}}, namespace=collection)

    async def check(self) -> None:
        """Raises when the index does not answer, or has another dimension than the store."""
        with translated():
            stats = await self._index.describe_index_stats()
        if stats.dimension not in {None, self._dimensions}:
            raise PermanentError(f"the index has {stats.dimension} dimensions, the store has {self._dimensions}")

    @property
    def _index(self) -> "AsyncIndex":
        if self._opened is None:
            raise RuntimeError("the store has not been entered")
        return self._opened

    def _check_dimension(self, vector: Sequence[float]) -> None:
        if len(vector) != self._dimensions:
            raise PermanentError(f"an embedding has {len(vector)} dimensions, the store has {self._dimensions}")
