"""What a plan lets through, over three gateways and a real Valkey, held against a model in plain Python."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID, uuid4

import pytest
import structlog
from redis.asyncio import Redis

from gateway.limits import TokenBucket
from gateway.plans import PERIOD_SECONDS, QUOTA, TAKE, Plans, Used
from libs.bus.connection import connect
from libs.contracts.plans import Period, Plan, PlanSettings, Quota
from libs.contracts.values import KeyGrant

SEED = 20_261
GATEWAYS = 3
NOBODY = "redis://127.0.0.1:9"
PATIENT_SECONDS = 30.0
"""So that nobody counts alone because this machine is busy."""


def a_key(key_id: UUID | None = None, *, plan: str = "test") -> KeyGrant:
    return KeyGrant(key_id=key_id or uuid4(), plan=plan)


def the_plan(*, rate: float, burst: int, quota: Quota | None = None) -> PlanSettings:
    return PlanSettings(plans=(Plan(name="test", rate=rate, burst=burst, quota=quota),))


def patient(redis: Redis, plans: PlanSettings) -> Plans:
    return Plans(redis, plans, answer_seconds=PATIENT_SECONDS)


class Asking(Plans):
    """Asks Redis every time: what was refused a moment ago is no answer."""

    async def take(self, key: KeyGrant) -> Used:
        return await self._ask(key.key_id, self.plan_of(key), take=True)


def admitted_by_the_model(plan: Plan, decided: list[Used]) -> int:
    """How many of these a token bucket lets through that is asked at the same times, one after the other."""
    now = decided[0].at
    bucket = TokenBucket(rate=plan.rate, burst=plan.burst, now=lambda: now)
    admitted = 0
    for one in decided:
        now = one.at
        admitted += bucket.take()
    return admitted


@pytest.mark.parametrize("kind", [Plans, Asking])
async def test_three_gateways_let_through_what_one_token_bucket_does(redis: Redis, kind: type[Plans]) -> None:
    """However requests fall on them: never more than the model and one; asked every time, exactly the model's."""
    plans = the_plan(rate=120, burst=12)
    [plan], chance = plans.plans, random.Random(SEED)  # noqa: S311 - chance, not a secret
    gateways, keys = [kind(redis, plans, answer_seconds=PATIENT_SECONDS) for _ in range(GATEWAYS)], [a_key(), a_key()]
    decided: dict[UUID, list[Used]] = {key.key_id: [] for key in keys}

    async def one() -> None:
        key = chance.choice(keys)
        decided[key.key_id].append(await chance.choice(gateways).take(key))

    for _ in range(40):
        await asyncio.gather(*(one() for _ in range(chance.randint(0, 20))), asyncio.sleep(chance.random() * 0.02))

    for seen in decided.values():
        # A refusal that was remembered has the time of the first one, when the model would refuse it as well.
        seen.sort(key=lambda used: used.at)
        admitted, wanted = sum(used.allowed for used in seen), admitted_by_the_model(plan, seen)
        assert plan.burst < admitted < len(seen)
        assert admitted <= wanted + 1
        if kind is Asking:
            assert admitted == wanted


async def test_a_quota_is_one_for_all_gateways_and_says_when_it_begins_anew(redis: Redis) -> None:
    """What the rate refuses does not use it up."""
    quota = Quota(limit=5, period="day")
    gateways = [patient(redis, the_plan(rate=1000, burst=1000, quota=quota)) for _ in range(GATEWAYS)]
    key = a_key()
    taken = await asyncio.gather(*(gateways[n % GATEWAYS].take(key) for n in range(12)))

    assert sum(used.allowed for used in taken) == 5
    refused = await gateways[0].take(key)
    assert (refused.refusing.policy.name, refused.requests) == (QUOTA, 5)
    midnight = (datetime.now(UTC) + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    assert refused.at + refused.refusing.reset_seconds == pytest.approx(midnight.timestamp(), abs=0.01)
    assert (await gateways[1].take(a_key())).allowed


@pytest.mark.parametrize("period", ["day", "week", "month"])
async def test_periods_are_those_of_the_calendar(redis: Redis, period: Period) -> None:
    """In UTC; the script's own calendar says what Python's does."""
    key, plans = a_key(), the_plan(rate=1, burst=1, quota=Quota(limit=9, period=period))

    used = await patient(redis, plans).look(key)

    now = datetime.fromtimestamp(used.at, UTC)
    first = now.replace(hour=0, minute=0, second=0, microsecond=0)
    ends = {
        "day": first + timedelta(days=1),
        "week": first + timedelta(days=7 - now.weekday()),
        "month": (first.replace(day=1) + timedelta(days=32)).replace(day=1),
    }[period]
    quota = used.standings[1]
    assert used.at + quota.reset_seconds == pytest.approx(ends.timestamp(), abs=0.01)
    assert quota.policy.window_seconds == PERIOD_SECONDS[period] >= quota.reset_seconds
    assert await redis.keys("plan:*") == []


async def test_the_scripts_months_are_pythons(redis: Redis) -> None:
    """For every day of eighty years, leap years among them."""
    body = TAKE.source[: TAKE.source.index("local today")] + (
        "local found = {} for day = 0, 29219 do found[day + 1] = first_of_month(day) end return found"
    )

    found = await redis.eval(body, 1, "plan:{none}", "1", "1", "0", "month", "0")

    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    days = [epoch + timedelta(days=day) for day in range(29220)]
    assert found == [(day.replace(day=1) - epoch).days for day in days]
    assert {later - earlier for earlier, later in pairwise(sorted(set(found)))} == {28, 29, 30, 31}


async def test_what_is_kept_of_a_key_has_a_life(redis: Redis) -> None:
    """To the end of its quota's period."""
    plans = patient(redis, the_plan(rate=0.5, burst=3, quota=Quota(limit=9, period="month")))
    key = a_key()
    await plans.take(key)

    [name] = await redis.keys("plan:*")
    assert str(key.key_id) in str(name)
    assert 0 < await redis.ttl(name) <= 31 * 86_400 + 10


async def test_a_plan_that_is_no_more_is_the_first_one(redis: Redis) -> None:
    """A key is not let in without any limit because somebody took its plan out of a list."""
    plans = patient(redis, the_plan(rate=0.001, burst=1))
    key = a_key(plan="gone")

    assert [(await plans.take(key)).allowed for _ in range(2)] == [True, False]


async def test_without_redis_each_gateway_counts_keys_by_itself() -> None:
    """The door is neither shut nor wide open."""
    gone = connect(NOBODY)
    plans, key = Plans(gone, the_plan(rate=0.001, burst=2, quota=Quota(limit=1))), a_key()
    with structlog.testing.capture_logs() as logs:
        taken = [await plans.take(key) for _ in range(3)]

    assert [used.allowed for used in taken] == [True, True, False]
    assert len([line for line in logs if "by itself" in line["event"]]) == 1
    await gone.aclose()
