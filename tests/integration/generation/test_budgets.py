"""Budgets on a real Valkey: whoever asks at once, dies or comes twice, no more is spent than there is."""

import asyncio
import random
from datetime import UTC, datetime
from uuid import uuid4

import pytest
import structlog
from redis.asyncio import Redis

from generation_service.budgets import LIFE_MILLISECONDS, RedisPurse
from libs.answers.attempt import AttemptStopped
from libs.answers.cancel import cancel
from libs.answers.names import LogName
from libs.bus.connection import RedisAwayError, connect
from libs.contracts.events import AnswerWritten, ContextRetrieved
from libs.contracts.values import KeyGrant, Turn
from libs.llm.prices import Price, PriceSettings
from tests.builders import a_context, a_passage, a_principal, a_turn
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.script import Script
from tests.integration.generation.service import answered, ask, logged, service, text_of
from tests.polling import eventually

SEED = 20_261
NOBODY = "redis://127.0.0.1:9"
WORST, REAL = 1_000, (1, 1_000)
"""What a call may cost, and what it does, in millionths of a dollar."""


class Epoch:
    """An attempt, as far as a budget knows one."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch


def a_key(budget: int | None, *, spent: int = 0, month: str = "2026-11") -> KeyGrant:
    return KeyGrant(key_id=uuid4(), plan="trial", budget_micro_usd=budget, spent_micro_usd=spent, month=month)


def purse(
    redis: Redis, key: KeyGrant, *, turn: Turn | None = None, epoch: int = 1, hold: int = 60_000, month: int = 11
) -> RedisPurse:
    def clock() -> datetime:
        return datetime(2026, month, 23, tzinfo=UTC)

    return RedisPurse(redis, turn or a_turn(), key, Epoch(epoch), clock=clock, hold_milliseconds=hold)


async def test_fifty_at_once_spend_no_more_than_there_is(redis: Redis) -> None:
    """Whatever each call costs in the end, some dying on their way: never more than the budget; and it is used up."""
    chance, budget = random.Random(SEED), 20 * WORST  # noqa: S311 - chance, not a secret
    key = a_key(budget)
    spent, refused, begun = 0, 0, asyncio.Semaphore(50)

    async def answer(number: int) -> None:
        nonlocal spent, refused
        turn, epoch = a_turn(), 1
        async with begun:
            if not await purse(redis, key, turn=turn).reserve(WORST):
                refused += 1
                return
            if number % 7 == 0:
                # Its worker dies, another takes the answer over.
                epoch = 2
                assert await purse(redis, key, turn=turn, epoch=epoch).reserve(WORST)
            await asyncio.sleep(chance.random() * 0.01)
            cost = chance.randint(*REAL)
            spent += cost
            assert spent <= budget
            await purse(redis, key, turn=turn, epoch=epoch).settle(cost)
            await purse(redis, key, turn=turn, epoch=epoch).settle(cost)

    await asyncio.gather(*(answer(number) for number in range(120)))
    assert refused
    begun, refused = asyncio.Semaphore(1), 0
    while not refused:
        await answer(1)

    assert budget - WORST < spent <= budget
    assert await redis.hget(f"budget:{{{key.key_id}}}:2026-11", "spent") == str(spent).encode()
    assert await redis.hget(f"budget:{{{key.key_id}}}:2026-11", "held") == b"0"


async def test_an_answer_is_paid_once_whoever_writes_it(redis: Redis) -> None:
    """A takeover has the old attempt's reservation, and its bill; the old one can neither settle nor reserve."""
    key, turn = a_key(1_500), a_turn()
    old, new = purse(redis, key, turn=turn, epoch=1), purse(redis, key, turn=turn, epoch=2)
    assert await old.reserve(WORST)
    assert await old.reserve(WORST), "asked again because the reply was lost"
    await old.settle(900)

    assert await new.reserve(WORST), "the bill of an attempt that did not finish was given back"
    await old.settle(900)
    with pytest.raises(AttemptStopped):
        await old.reserve(WORST)
    await new.settle(600)

    assert await purse(redis, key).reserve(900)
    assert not await purse(redis, key).reserve(1)


async def test_a_refusal_whose_reply_was_lost_is_a_refusal(redis: Redis) -> None:
    """Asked again, the same attempt is told the same."""
    key, turn = a_key(WORST - 1), a_turn()

    assert [await purse(redis, key, turn=turn).reserve(WORST) for _ in range(2)] == [False, False]
    assert await purse(redis, key).reserve(WORST - 1)


async def test_what_nobody_settles_is_given_back(redis: Redis) -> None:
    """After a while; who comes back later pays all the same."""
    key, turn = a_key(WORST), a_turn()
    dead = purse(redis, key, turn=turn, hold=1)
    assert await dead.reserve(WORST)

    async def there_is_room() -> bool:
        return await purse(redis, key, hold=1).reserve(WORST)

    await eventually(there_is_room)
    await dead.settle(WORST)

    async def nothing_is_held() -> bool:
        assert not await purse(redis, key, hold=1).reserve(WORST)
        return await redis.hget(f"budget:{{{key.key_id}}}:2026-11", "held") == b"0"

    await eventually(nothing_is_held)
    assert await redis.hget(f"budget:{{{key.key_id}}}:2026-11", "spent") == str(WORST).encode()


async def test_a_redis_that_forgot_learns_what_was_spent(redis: Redis) -> None:
    """From what Postgres knew when the question was asked; of this month alone."""
    key = a_key(2 * WORST, spent=WORST + 1)

    assert not await purse(redis, key).reserve(WORST)
    assert await purse(redis, key, month=12).reserve(WORST)
    assert await purse(redis, key).reserve(WORST - 1)


async def test_without_a_budget_redis_is_not_asked() -> None:
    """Nor does an answer wait for its bill while Redis is away: what it cost is stored with it."""
    gone = connect(NOBODY, patience_seconds=0.1)
    free, bound = purse(gone, a_key(None)), purse(gone, a_key(WORST))
    assert await free.reserve(WORST)
    await free.settle(WORST)

    with pytest.raises(RedisAwayError):
        await bound.reserve(WORST)
    with structlog.testing.capture_logs() as logs:
        await bound.settle(WORST)

    assert [line["event"] for line in logs] == ["a budget could not be settled"]
    await gone.aclose()


async def test_accounts_have_a_life(redis: Redis) -> None:
    """Of a month and a day."""
    await purse(redis, a_key(WORST)).reserve(1)

    names = await redis.keys("budget:*")
    assert len(names) == 2
    for name in names:
        assert 0 < await redis.pttl(name) <= LIFE_MILLISECONDS


def asked_with(key: KeyGrant) -> ContextRetrieved:
    return a_context(a_passage(), principal=a_principal(key=key))


async def test_the_service_writes_what_the_budget_covers_and_says_what_it_cost(
    redis: Redis, redis_url: str, fake: FakeOpenAI
) -> None:
    """The next one ends as failed, with nothing half; one that is cancelled has its price."""
    month = f"{datetime.now(UTC):%Y-%m}"
    prices = PriceSettings(model_prices={"*": Price(input=0, output=1)})
    key = a_key(40, month=month)
    fake.script = Script(text="Ten seconds [1].", stall_at=2)
    async with service(redis_url, fake, prices=prices, answer_max_tokens=30) as _:
        cancelled = asked_with(key)
        await ask(redis, cancelled)
        await eventually(lambda: _has_text(redis, cancelled))
        waiting = asked_with(key)
        await ask(redis, waiting)
        [refused] = await eventually(lambda: answered(redis))
        assert await cancel(redis, LogName(0, cancelled.turn.answer_id))
        [_, stopped] = await eventually(lambda: _two(redis))

    assert (refused.turn.answer_id, refused.failure) == (waiting.turn.answer_id, "budget_exceeded")
    assert (refused.status, refused.text, refused.cost_micro_usd) == ("failed", "", 0)
    assert text_of(await logged(redis, waiting)) == ""
    assert (stopped.turn.answer_id, stopped.status) == (cancelled.turn.answer_id, "cancelled")
    assert 0 < stopped.cost_micro_usd <= 30
    spent = await redis.hget(f"budget:{{{key.key_id}}}:{month}", "spent")
    assert spent == str(stopped.cost_micro_usd).encode()


async def _has_text(redis: Redis, context: ContextRetrieved) -> bool:
    return bool(text_of(await logged(redis, context)))


async def _two(redis: Redis) -> list[AnswerWritten]:
    events = await answered(redis)
    return events if len(events) == 2 else []
