"""What was costly to find, kept in Redis for a while: vectors of queries, and which chunks a query found.

Never a text: a question is a hash in the key, a passage is an id whose text Postgres gives, or does not, each time.
"""

import asyncio
import hashlib
import struct
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self, cast
from uuid import UUID

import msgspec
import structlog
from redis.exceptions import RedisError

from libs.bus.connection import Redis
from libs.telemetry.troubles import Trouble
from retrieval_service.metrics import CACHE_LOOKUPS
from retrieval_service.ports import Ranking, Search

log = structlog.get_logger()

PATIENCE_SECONDS = 0.1
"""A cache that takes longer than this saves nothing."""

KEPT_AT_ONCE = 256
"""What waits to be written beyond these is not remembered."""

_AWAY = (RedisError, OSError)  # TimeoutError is an OSError
_RANKED = struct.Struct("<16sd")


class RetrievalCache:
    """A resource: answers with None whenever it does not know, whatever the reason, and remembers in the background.

    Args:
        redis: replies in bytes; the caller's to close.
        space: names the model and what else decides what its numbers mean.
        dimensions: of a vector.
        vector_ttl_seconds: how long the vector of a query is kept.
        ranking_ttl_seconds: how long what a query found is kept, while its collections do not change.
        rest_seconds: how long nobody asks after a failure, or every question would wait for it in turn.
    """

    def __init__(
        self,
        redis: Redis,
        *,
        space: str,
        dimensions: int,
        vector_ttl_seconds: int,
        ranking_ttl_seconds: int,
        rest_seconds: float = 1.0,
    ) -> None:
        self._redis = redis
        self._space = space
        self._vector = struct.Struct(f"<{dimensions}f")
        self._vector_ttl_seconds = vector_ttl_seconds
        self._ranking_ttl_seconds = ranking_ttl_seconds
        self._rest_seconds = rest_seconds
        self._resting_until = float("-inf")
        self._away = Trouble(log, begins="cache away", ends="cache is asked again")
        self._tasks = asyncio.TaskGroup()
        self._keeping = 0

    async def __aenter__(self) -> Self:
        self._tasks = asyncio.TaskGroup()
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._tasks.__aexit__(kind, error, trace)

    async def vector(self, text: str) -> Sequence[float] | None:
        """The vector of this text by this model, in single precision."""
        raw = await self._get("vector", self._vector_key(text))
        return self._vector.unpack(raw) if raw is not None and len(raw) == self._vector.size else None

    def keep_vector(self, text: str, vector: Sequence[float]) -> None:
        """Remember the vector of this text."""
        if len(vector) * 4 == self._vector.size:
            self._keep(self._vector_key(text), self._vector.pack(*vector), self._vector_ttl_seconds)

    async def ranking(self, search: Search) -> Ranking | None:
        """What exactly this search found; empty when that was nothing."""
        raw = await self._get("ranking", self._ranking_key(search))
        if raw is None or len(raw) % _RANKED.size:
            return None
        return [(UUID(bytes=chunk_id), score) for chunk_id, score in _RANKED.iter_unpack(raw)]

    def keep_ranking(self, search: Search, ranking: Ranking) -> None:
        """Remember what this search found."""
        raw = b"".join(_RANKED.pack(chunk_id.bytes, score) for chunk_id, score in ranking)
        self._keep(self._ranking_key(search), raw, self._ranking_ttl_seconds)

    def _vector_key(self, text: str) -> str:
        return f"cache:vector:{_digest([self._space, text])}"

    def _ranking_key(self, search: Search) -> str:
        # With the versions in the key nothing need ever be removed: a changed collection is asked by another key.
        rights = sorted(search.knowledge.items())
        return f"cache:ranking:{_digest([self._space, rights, search.query, search.top_k, search.relevance])}"

    async def _get(self, cache: str, key: str) -> bytes | None:
        outcome = "error"
        raw: bytes | None = None
        if time.monotonic() >= self._resting_until:
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    raw = cast("bytes | None", await self._redis.get(key))
                outcome = "miss" if raw is None else "hit"
            except _AWAY as error:
                self._rest(error)
        CACHE_LOOKUPS.labels(cache, outcome).inc()
        return raw

    def _keep(self, key: str, raw: bytes, ttl_seconds: int) -> None:
        if time.monotonic() >= self._resting_until and self._keeping < KEPT_AT_ONCE:
            self._keeping += 1
            self._tasks.create_task(self._set(key, raw, ttl_seconds), name="cache write")

    async def _set(self, key: str, raw: bytes, ttl_seconds: int) -> None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._redis.set(key, raw, ex=ttl_seconds)
        except _AWAY as error:
            self._rest(error)
        finally:
            self._keeping -= 1

    def _rest(self, error: Exception) -> None:
        self._resting_until = time.monotonic() + self._rest_seconds
        self._away.noticed_in_passing(reason=type(error).__name__)


def _digest(parts: object) -> str:
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()
