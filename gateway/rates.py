"""How often somebody may ask: counted on Redis, so every gateway gives the same answer; see ADR 17."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from limits import RateLimitItemPerMinute
from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from redis.exceptions import RedisError

from gateway.limits import Recently, TokenBucket
from libs.bus.connection import Redis
from libs.telemetry.troubles import Trouble

log = structlog.get_logger()

WINDOW_SECONDS = 60
ANSWER_SECONDS = 0.3
"""Counting is no reason to make anybody wait longer."""
AWAY_SECONDS = 1.0
"""After Redis did not answer, each gateway counts by itself for so long before it asks again."""
REFUSED_MIN_SECONDS = 0.25
REFUSED_MAX_SECONDS = 1.0
"""Who was refused is refused again without asking Redis: a flood costs it a few commands a second."""
BUCKET_SECONDS = 2.0 * WINDOW_SECONDS
"""A bucket that nobody took from for so long is full again."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A limit: so many in any minute, unless it is another one's window.

    Args:
        name: as clients see it.
        quota: how many.
    """

    name: str
    quota: int
    window_seconds: int = WINDOW_SECONDS


@dataclass(frozen=True, slots=True)
class Claim:
    """Somebody's share under a policy.

    Args:
        policy: which limit.
        who: a user's id, or an address.
    """

    policy: Policy
    who: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a claim stands.

    Args:
        remaining: how many more are allowed now.
        reset_seconds: until there is one more.
    """

    policy: Policy
    remaining: int
    reset_seconds: float


class _Storage(RedisStorage):
    """Counts with the client it is given, of one server or of a cluster: its scripts' keys share a slot."""

    def __init__(self, redis: Redis) -> None:
        self._client = redis
        super().__init__("redis://", implementation="redispy", key_prefix="rates")

    def configure_bridge(self) -> None:
        # The library's own types know neither redis-py's clients nor a bridge to one that is there already.
        bridge: Any = self.bridge
        bridge.storage = self._client
        bridge.connection_getter = lambda _: self._client


class Rates:
    """Counts claims; while Redis is away, for this process alone.

    Args:
        redis: shared by all gateways; the caller's to close.
        now: seconds of a clock that never goes back.
    """

    def __init__(self, redis: Redis, *, now: Callable[[], float] = time.monotonic) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(_Storage(redis))
        self._now = now
        self._away_until = float("-inf")
        self._away = Trouble(
            log, begins="redis is away, each gateway counts by itself", ends="gateways count together again", now=now
        )
        self._buckets: Recently[Claim, TokenBucket] = Recently(now=now)
        self._refused: Recently[Claim, Standing] = Recently(now=now)

    async def take(self, claims: Sequence[Claim]) -> Standing | None:
        """Count one for each claim; None when all are within their limits, else where the first stands that is not.

        What is refused does not count against its own claim, so asking again and again never locks anybody out.
        """
        for claim in claims:
            refused = self._refused.get(claim)
            if refused is not None:
                return refused
        taken = await asyncio.gather(*(self._take(claim) for claim in claims))
        for claim, allowed in zip(claims, taken, strict=True):
            if not allowed:
                standing = await self.standing(claim)
                seconds = min(max(standing.reset_seconds, REFUSED_MIN_SECONDS), REFUSED_MAX_SECONDS)
                self._refused.put(claim, standing, seconds=seconds)
                return standing
        return None

    async def standing(self, claim: Claim) -> Standing:
        """Where a claim stands; nothing is counted."""
        if self._redis_is_there:
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    stats = await self._limiter.get_window_stats(_item(claim.policy), claim.policy.name, claim.who)
                return Standing(claim.policy, stats.remaining, max(stats.reset_time - time.time(), 0.0))
            except (RedisError, TimeoutError, OSError, RuntimeError) as error:
                self._note_away(error)
        bucket = self._bucket(claim)
        return Standing(claim.policy, int(bucket.tokens), WINDOW_SECONDS / claim.policy.quota)

    async def _take(self, claim: Claim) -> bool:
        if self._redis_is_there:
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    is_within = await self._limiter.hit(_item(claim.policy), claim.policy.name, claim.who)
                self._away.over()
                return is_within  # noqa: TRY300 - what may fail ends above
            # A transport of uvloop that was reset says so with a bare RuntimeError.
            except (RedisError, TimeoutError, OSError, RuntimeError) as error:
                self._note_away(error)
        return self._bucket(claim).take()

    @property
    def _redis_is_there(self) -> bool:
        return self._now() >= self._away_until

    def _note_away(self, error: Exception) -> None:
        self._away.noticed(error=type(error).__name__)
        self._away_until = self._now() + AWAY_SECONDS

    def _bucket(self, claim: Claim) -> TokenBucket:
        bucket = self._buckets.get(claim)
        if bucket is None:
            limit = claim.policy.quota
            bucket = TokenBucket(rate=limit / WINDOW_SECONDS, burst=limit, now=self._now)
        self._buckets.put(claim, bucket, seconds=BUCKET_SECONDS)
        return bucket


def _item(policy: Policy) -> RateLimitItemPerMinute:
    return RateLimitItemPerMinute(policy.quota, namespace="rate")
