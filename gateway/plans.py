"""How often a key may ask: its plan's token bucket and quota, kept on Redis, so every gateway gives the same answer."""

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from redis.exceptions import RedisError

from gateway.limits import Recently, TokenBucket
from gateway.rates import ANSWER_SECONDS, AWAY_SECONDS, REFUSED_MAX_SECONDS, Policy, Standing
from libs.bus.connection import Redis
from libs.bus.scripts import Script
from libs.contracts.plans import Period, Plan, PlanSettings
from libs.contracts.values import KeyGrant
from libs.telemetry.troubles import Trouble

log = structlog.get_logger()

RATE, QUOTA = "rate", "quota"
PERIOD_SECONDS: dict[Period, int] = {"day": 86_400, "week": 7 * 86_400, "month": 31 * 86_400}
"""At most."""

TAKE = Script("gateway.lua", "take")


@dataclass(frozen=True, slots=True)
class Used:
    """Where a key stands.

    Args:
        allowed: it was let in; where nothing was taken, it would be.
        standings: of the rate, and of the quota if the plan has one.
        requests: in the quota's period, a month without one.
        at: the time by which all this was decided, in seconds; the same clock for all gateways.
    """

    allowed: bool
    standings: tuple[Standing, ...]
    requests: int
    at: float

    @property
    def nearest(self) -> Standing:
        """What is used up first."""
        return min(self.standings, key=lambda standing: standing.remaining / standing.policy.quota)

    @property
    def refusing(self) -> Standing:
        """Of what is used up, what is so for longest."""
        empty = [standing for standing in self.standings if not standing.remaining]
        return max(empty, key=lambda standing: standing.reset_seconds, default=self.nearest)


class Plans:
    """Counts what keys ask; while Redis is away each gateway does so by itself, and leaves quotas alone.

    Args:
        redis: shared by all gateways; the caller's to close.
        plans: which there are.
        now: seconds of a clock that never goes back.
        answer_seconds: how long Redis may take.
    """

    def __init__(
        self,
        redis: Redis,
        plans: PlanSettings,
        *,
        now: Callable[[], float] = time.monotonic,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._redis = redis
        self._plans = plans
        self._now = now
        self._answer_seconds = answer_seconds
        self._away_until = float("-inf")
        self._away = Trouble(
            log,
            begins="redis is away, each gateway counts keys by itself",
            ends="gateways count keys together",
            now=now,
        )
        self._buckets: Recently[tuple[UUID, Plan], TokenBucket] = Recently(now=now)
        self._refused: Recently[tuple[UUID, Plan], Used] = Recently(now=now)

    async def take(self, key: KeyGrant) -> Used:
        """Count one request, unless the plan does not allow it: then nothing is counted."""
        plan = self._plans.plan_of(key.plan)
        refused = self._refused.get((key.key_id, plan))
        if refused is not None:
            return refused
        used = await self._ask(key.key_id, plan, take=True)
        if not used.allowed:
            # Until then the answer is the same, and a flood costs Redis nothing.
            seconds = min(used.refusing.reset_seconds, REFUSED_MAX_SECONDS)
            self._refused.put((key.key_id, plan), used, seconds=seconds)
        return used

    async def look(self, key: KeyGrant) -> Used:
        """Where the key stands; nothing is counted."""
        return await self._ask(key.key_id, self._plans.plan_of(key.plan), take=False)

    def plan_of(self, key: KeyGrant) -> Plan:
        """The plan that holds for the key."""
        return self._plans.plan_of(key.plan)

    async def _ask(self, key_id: UUID, plan: Plan, *, take: bool) -> Used:
        if self._now() >= self._away_until:
            quota = plan.quota
            args = (
                *(str(plan.rate), plan.burst, 0 if quota is None else quota.limit),
                *("month" if quota is None else quota.period, int(take)),
            )
            try:
                async with asyncio.timeout(self._answer_seconds):
                    reply: Any = await TAKE.run(self._redis, [f"plan:{{{key_id}}}"], args)
                self._away.over()
                return _used(plan, reply)
            # A transport of uvloop that was reset says so with a bare RuntimeError.
            except (RedisError, TimeoutError, OSError, RuntimeError) as error:
                self._away.noticed(error=type(error).__name__)
                self._away_until = self._now() + AWAY_SECONDS
        return self._alone(key_id, plan, take=take)

    def _alone(self, key_id: UUID, plan: Plan, *, take: bool) -> Used:
        full_seconds = plan.burst / plan.rate
        bucket = self._buckets.get((key_id, plan))
        if bucket is None:
            bucket = TokenBucket(rate=plan.rate, burst=plan.burst, now=self._now)
        self._buckets.put((key_id, plan), bucket, seconds=full_seconds)
        allowed = bucket.take() if take else bucket.tokens >= 1
        return Used(allowed, (_rate(plan, bucket.tokens),), requests=0, at=self._now())


def _used(plan: Plan, reply: Any) -> Used:
    allowed, tokens, requests, ends, at = bool(reply[0]), float(reply[1]), int(reply[2]), int(reply[3]), float(reply[4])
    standings = [_rate(plan, tokens)]
    if plan.quota is not None:
        policy = Policy(QUOTA, plan.quota.limit, PERIOD_SECONDS[plan.quota.period])
        standings.append(Standing(policy, max(plan.quota.limit - requests, 0), max(ends - at, 0.0)))
    return Used(allowed, tuple(standings), requests, at)


def _rate(plan: Plan, tokens: float) -> Standing:
    policy = Policy(RATE, plan.burst, max(1, math.ceil(plan.burst / plan.rate)))
    missing = 0.0 if tokens >= plan.burst else 1 - tokens % 1
    return Standing(policy, int(tokens), missing / plan.rate)
