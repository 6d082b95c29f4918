"""Vectors for texts, from any endpoint that speaks OpenAI's embeddings API."""

import asyncio
import base64
import binascii
import struct
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import msgspec

from libs.errors import EloquentError, PermanentError, TransientError
from libs.llm.endpoint import Endpoint
from libs.llm.metrics import OPERATION_SECONDS, TOKENS
from libs.llm.pacing import Pacer, Told
from libs.llm.retries import RetryPolicy, retrying
from libs.llm.spans import model_call
from libs.telemetry.spans import Span

OPERATION = "embeddings"
BATCH_MAX_TEXTS = 2048
"""What OpenAI takes in one request."""

Vector = tuple[float, ...]

_SHORTENABLE = "text-embedding-3"
_FLOAT_BYTES = 4
_LIMIT_HEADER = "x-ratelimit"


class _Item(msgspec.Struct):
    index: int
    embedding: str | list[float]


class _Usage(msgspec.Struct):
    prompt_tokens: int = 0


class _Response(msgspec.Struct):
    data: list[_Item]
    usage: _Usage | None = None


_decode = msgspec.json.Decoder(_Response).decode
_encode = msgspec.json.Encoder().encode


class OpenAIEmbedder:
    """An embedding model behind an endpoint.

    Args:
        dimensions: of every vector; a model that gives others is refused, for the index could not hold them.
        batch_texts: texts in one request at most, 1 to `BATCH_MAX_TEXTS`.
        timeout_seconds: for one try of one batch.
        pacer: lets requests wait for the endpoint's rate limit, for whoever has time; without one that is an error.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        model: str,
        dimensions: int,
        batch_texts: int = 128,
        timeout_seconds: float = 20.0,
        retries: RetryPolicy | None = None,
        pacer: Pacer | None = None,
    ) -> None:
        self.model = model
        self.dimensions = dimensions
        self._endpoint = endpoint
        self._batch_texts = min(batch_texts, BATCH_MAX_TEXTS)
        self._timeout_seconds = timeout_seconds
        self._retries = retries or RetryPolicy()
        self._pacer = pacer

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """One vector a text, in their order; more texts than a batch holds go out one batch after the other.

        Raises:
            TransientError: the endpoint did not answer, however often it was tried.
            PermanentError: it refuses the texts (an empty or far too long one), or its vectors have another length.
        """
        vectors: list[Vector] = []
        for start in range(0, len(texts), self._batch_texts):
            batch = list(texts[start : start + self._batch_texts])
            vectors += await retrying(partial(self._paced, batch), self._retries)
        return vectors

    async def _paced(self, batch: list[str]) -> list[Vector]:
        if self._pacer is None:
            return await self._embed_batch(batch)
        return await self._pacer.paced(partial(self._embed_batch, batch))

    async def _embed_batch(self, texts: list[str]) -> list[Vector]:
        with model_call(OPERATION, self.model, self._endpoint.base_url) as call:
            call.say("gen_ai.embeddings.dimension.count", self.dimensions)
            call.say("eloquent.texts", len(texts))
            return await self._counted(texts, call)

    async def _counted(self, texts: list[str], call: Span) -> list[Vector]:
        begun = time.monotonic()
        try:
            response = await self._request(texts, call)
            vectors = [_vector(item.embedding) for item in sorted(response.data, key=lambda item: item.index)]
            if len(vectors) != len(texts):
                raise TransientError("the embedding endpoint did not answer every text")
            if any(len(vector) != self.dimensions for vector in vectors):
                raise PermanentError(
                    f"the embedding model gives {len(vectors[0])} dimensions where {self.dimensions} are set"
                )
        except EloquentError as error:
            seconds = time.monotonic() - begun
            OPERATION_SECONDS.labels(self.model, OPERATION, type(error).__name__).observe(seconds)
            raise
        OPERATION_SECONDS.labels(self.model, OPERATION, "").observe(time.monotonic() - begun)
        if response.usage and response.usage.prompt_tokens:
            TOKENS.labels(self.model, OPERATION, "input").observe(response.usage.prompt_tokens)
            call.say("gen_ai.usage.input_tokens", response.usage.prompt_tokens)
        return vectors

    async def _request(self, texts: list[str], call: Span) -> _Response:
        # Only OpenAI's third generation shortens its vectors; others refuse to be asked.
        shorten: dict[str, Any] = {"dimensions": self.dimensions} if self.model.startswith(_SHORTENABLE) else {}
        content = _encode({"model": self.model, "input": texts, "encoding_format": "base64", **shorten})
        try:
            async with asyncio.timeout(self._timeout_seconds):
                response = await self._endpoint.post("/embeddings", content, headers=call.headers())
                answer = _decode(response.content)
                if self._pacer is not None:
                    self._pacer.told(_told(response.headers, answer.usage, len(texts)))
                return answer
        except EloquentError:
            raise
        except TimeoutError as error:
            raise TransientError("the embedding endpoint did not answer in time") from error
        except msgspec.DecodeError as error:
            raise TransientError("the embedding endpoint sent no vectors") from error
        except Exception as error:
            # Whatever the HTTP stack under the SDK calls it, a body that cannot be read is a cut connection.
            raise TransientError("the connection to the embedding endpoint broke") from error


def _told(headers: Mapping[str, str], usage: _Usage | None, texts: int) -> Told | None:
    """What OpenAI and Azure say beside an answer: tokens that a minute allows, and those left of them."""
    if usage is None or not usage.prompt_tokens:
        return None
    try:
        a_minute = float(headers[f"{_LIMIT_HEADER}-limit-tokens"])
        remaining = float(headers[f"{_LIMIT_HEADER}-remaining-tokens"])
    except (KeyError, ValueError):
        return None
    texts_a_token = texts / usage.prompt_tokens
    if not (a_minute > 0 and remaining >= 0 and a_minute + remaining < float("inf")):
        return None
    return Told(a_minute / 60 * texts_a_token, remaining * texts_a_token)


def _vector(embedding: str | list[float]) -> Vector:
    if not isinstance(embedding, str):
        return tuple(embedding)
    try:
        raw = base64.b64decode(embedding, validate=True)
        return struct.unpack(f"<{len(raw) // _FLOAT_BYTES}f", raw)
    except (binascii.Error, struct.error) as error:
        raise TransientError("the embedding endpoint sent broken base64") from error
