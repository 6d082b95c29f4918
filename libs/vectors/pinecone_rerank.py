"""Texts in the order in which they answer a query, by a model that Pinecone hosts."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Self

from libs.vectors.pinecone_errors import translated
from libs.vectors.spans import pinecone_call

if TYPE_CHECKING:
    from pinecone import AsyncPinecone

MAX_TEXTS = 100
"""What Pinecone's models take in one request."""


class PineconeReranker:
    """One of the models of Pinecone's inference API; an async context manager.

    The SDK is imported when it is entered: who does not use it does not pay its memory.

    Args:
        api_key: the project's key.
        model: for example `bge-reranker-v2-m3`.
        host: of the API; Pinecone's own when not given.
        timeout_seconds: how long a request may take, the SDK's retries included: an answer waits for it.
    """

    def __init__(self, api_key: str, *, model: str, host: str | None = None, timeout_seconds: float = 1.0) -> None:
        self._api_key = api_key
        self._model = model
        self._host = host
        self._timeout_seconds = timeout_seconds
        self._resources = AsyncExitStack()
        self._opened: AsyncPinecone | None = None

    async def __aenter__(self) -> Self:
        from pinecone import AsyncPinecone

        logging.getLogger("pinecone").setLevel(logging.WARNING)
        self._opened = await self._resources.enter_async_context(AsyncPinecone(self._api_key, host=self._host))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened = None
        await self._resources.aclose()

    async def rerank(self, query: str, texts: Sequence[str], *, top_k: int) -> list[tuple[int, float]]:
        """Indices of the `top_k` best texts with their scores, 0 to 1, best first.

        Args:
            query: what they should answer.
            texts: 1 to `MAX_TEXTS`.
            top_k: at least 1.

        Raises:
            PermanentError: Pinecone refuses the request.
            TransientError: Pinecone did not answer in time, is over its rate limit, or does not let us in.
        """
        if self._opened is None:
            raise RuntimeError("the reranker has not been entered")
        with pinecone_call("rerank"), translated():
            async with asyncio.timeout(self._timeout_seconds):
                result = await self._opened.inference.rerank(
                    model=self._model, query=query, documents=list(texts), return_documents=False, top_n=top_k
                )
        return [(item.index, item.score) for item in result.data]
