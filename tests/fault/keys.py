"""All that is in Redis: every key is of a family that has a life or a bound."""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from gateway.api_gateway.registry import CONNECTION_LIFE_MILLISECONDS
from gateway.asked import REMEMBER_SECONDS
from libs.answers.names import LIVE_LOG_MILLISECONDS
from libs.contracts.events import ALL_EVENTS

_UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_DAY_SECONDS = 86_400
DEAD_LETTER_DAYS = 14
_MINUTE_SECONDS = 60
MOST_CONSUMERS = 1000
"""Of a stream's group: each start of a process adds one, and idle ones are forgotten after an hour."""


@dataclass(frozen=True)
class Family:
    """Keys of one kind.

    Attributes:
        pattern: of the whole key.
        life_seconds: the longest time to live; None for streams that are emptied or trimmed.
        newest_days: of such a stream: how old its entries may be; entries of a work stream leave when they are
            finished, which the checker sees to.
    """

    name: str
    pattern: str
    life_seconds: float | None = None
    newest_days: int | None = None

    def holds(self, key: str) -> bool:
        """Whether it is one of this family's."""
        return re.fullmatch(self.pattern, key) is not None


FAMILIES = (
    Family("work", rf"({'|'.join(re.escape(event.stream) for event in ALL_EVENTS)}):\{{p\d+\}}"),
    Family("dead letters", r"dead:\{p\d+\}", newest_days=DEAD_LETTER_DAYS),
    Family("answer logs", rf"answer:\{{p\d+\}}:{_UUID}", life_seconds=LIVE_LOG_MILLISECONDS / 1000),
    Family("asked lately", rf"asked:\{{p\d+\}}:{_UUID}:{_UUID}", life_seconds=REMEMBER_SECONDS),
    # A day is what the caches' settings allow at most.
    Family("vectors", "cache:vector:[0-9a-f]{64}", life_seconds=_DAY_SECONDS),
    Family("rankings", "cache:ranking:[0-9a-f]{64}", life_seconds=_DAY_SECONDS),
    Family("rates", r"rates:\{?rate/.*", life_seconds=2 * _MINUTE_SECONDS),
    Family("callbacks", r"callbacks:\{c\}:.*", life_seconds=CONNECTION_LIFE_MILLISECONDS / 1000),
    Family("plans", rf"plan:\{{{_UUID}\}}", life_seconds=32 * _DAY_SECONDS),
    Family("budgets", rf"budget:\{{{_UUID}\}}:\d{{4}}-\d\d(:until)?", life_seconds=32 * _DAY_SECONDS),
    Family("turns under way", rf"turns:\{{{_UUID}\}}", life_seconds=LIVE_LOG_MILLISECONDS / 1000),
)


async def unbounded(redis: Redis) -> list[str]:
    """The keys that could stay for ever or grow without end."""
    found = []
    async for raw in redis.scan_iter(count=1000):
        key = raw.decode()
        family = next((family for family in FAMILIES if family.holds(key)), None)
        if family is None:
            found.append(f"{key}: a key of no family that is known")
        elif problem := await _problem(redis, key, family):
            found.append(f"{key} ({family.name}): {problem}")
    return found


async def count_mortal(redis: Redis) -> Counter[str]:
    """How many keys there are of each family that has a life."""
    mortal = [family for family in FAMILIES if family.life_seconds is not None]
    counts: Counter[str] = Counter()
    async for raw in redis.scan_iter(count=1000):
        counts.update(family.name for family in mortal if family.holds(raw.decode()))
    return counts


async def _problem(redis: Redis, key: str, family: Family) -> str:
    if family.life_seconds is not None:
        left = await redis.pttl(key)
        # It may have gone since the scan saw it.
        if left == -1:
            return "has no time to live"
        return f"lives {left / 1000:.0f} s more" if left > family.life_seconds * 1000 else ""
    if family.newest_days is not None:
        return await _too_old(redis, key, family.newest_days)
    groups: Any = await redis.xinfo_groups(key)
    consumers = max((group["consumers"] for group in groups), default=0)
    return f"has {consumers} consumers" if consumers > MOST_CONSUMERS else ""


async def _too_old(redis: Redis, key: str, days: int) -> str:
    oldest: Any = await redis.xrange(key, count=1)
    seconds, _ = await redis.time()
    if not oldest:
        return ""
    age_days = (seconds - int(oldest[0][0].split(b"-")[0]) / 1000) / _DAY_SECONDS
    return f"keeps an entry for {age_days:.0f} days" if age_days > days else ""
