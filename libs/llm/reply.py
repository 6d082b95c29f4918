"""One streamed HTTP response, read as it comes off the wire."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from types import TracebackType
from typing import Self, cast

import httpx2
import openai

from libs.errors import EloquentError, TransientError
from libs.llm.chunks import ChunkReader, Finished, InterruptedAnswerError
from libs.llm.endpoint import translated

DRAIN_SECONDS = 0.1
"""The end of the body is on its way; reading it lets the connection be used again."""


class Reply:
    """The response to one request; whoever opened it closes it.

    Args:
        request: sends the request; its response is not read yet.
    """

    def __init__(self, request: Awaitable[httpx2.Response]) -> None:
        self._request = request
        self._response: httpx2.Response | None = None
        self._raw: AsyncIterator[bytes] | None = None
        self._chunks = ChunkReader()
        self._ended = False
        self.first_text = ""

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self._chunks.done or self._ended

    async def open(self, timeout_seconds: float) -> None:
        """Send the request and read as far as the first text, or the end of an empty answer.

        Raises:
            TransientError: it may work in a moment; nothing was read.
            PermanentError: it will not work.
        """
        try:
            async with asyncio.timeout(timeout_seconds):
                self._response = await self._request
                # Not `aiter_raw`: each wrapper around the stream costs on every delta.
                self._raw = aiter(cast("AsyncIterator[bytes]", self._response.stream))
                while not self.first_text and not self.over:
                    self.first_text = await self._next()
        except openai.OpenAIError as error:
            raise translated(error) from error
        except TimeoutError as error:
            raise TransientError("the model's first token did not come in time") from error

    async def read(self, timeout_seconds: float) -> str:
        """The text of the next event or events; empty when they carry none.

        Raises:
            InterruptedAnswerError: silence, a cut connection or an error, before the model ended its answer.
        """
        try:
            async with asyncio.timeout(timeout_seconds):
                return await self._next()
        except (TimeoutError, EloquentError) as error:
            if self._chunks.finish_reason:
                # Only the usage is missing: the answer is whole.
                self._ended = True
                return ""
            what = "the model went silent" if isinstance(error, TimeoutError) else str(error)
            raise InterruptedAnswerError(what) from error

    def finished(self, model: str) -> Finished:
        """How the answer ended."""
        return self._chunks.finished(model)

    async def drain(self) -> None:
        """Read to the end of the body, if it comes at once."""
        try:
            async with asyncio.timeout(DRAIN_SECONDS):
                while not self._ended:
                    await self._receive()
        except (TimeoutError, EloquentError):
            self._ended = True

    async def _next(self) -> str:
        seen = self._chunks.events
        while True:
            piece = await self._receive()
            text = self._chunks.feed(piece)
            if self._ended and not self._chunks.finish_reason:
                raise TransientError("the model endpoint closed the stream in mid-answer")
            # Comments keep a connection open; they are no sign of a model that writes.
            if self._chunks.events != seen or self._ended:
                if self._chunks.done and not self._chunks.finish_reason:
                    raise TransientError("the stream ended without a reason to")
                return text

    async def _receive(self) -> bytes:
        if self._raw is None:
            raise RuntimeError("the reply is not open")
        try:
            return await anext(self._raw)
        except StopAsyncIteration:
            self._ended = True
            return b""
        except Exception as error:
            # Whatever the HTTP stack under the SDK calls it, a read that fails is a cut connection.
            raise TransientError("the connection to the model broke") from error

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connection at once, unless the body was read to its end."""
        if self._response is not None:
            await self._response.aclose()
