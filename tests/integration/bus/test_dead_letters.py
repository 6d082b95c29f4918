"""Dead letters: listed without what users wrote, shown whole, put back once, dropped."""

import json

import pytest
from redis.asyncio import Redis

from libs.bus.bus import Bus
from libs.bus.dead_letters import DeadLetters, run
from libs.bus.entry import dead_key, stream_key
from libs.config import RedisSettings
from libs.contracts.events import QuestionAsked
from libs.errors import PermanentError
from tests.builders import a_question
from tests.polling import eventually

KEY = stream_key(QuestionAsked.stream, 0)


@pytest.fixture
async def buried(redis_url: str, redis: Redis) -> DeadLetters:
    """One question that was given up."""
    settings = RedisSettings(redis_url=redis_url)
    bus = Bus(settings, redis, group="history", on_death=lambda: None)

    @bus.on(QuestionAsked, concurrency=1)
    async def handle(_: QuestionAsked) -> None:
        raise PermanentError("the database refuses it")

    async with bus:
        await bus.publish(a_question(question="a secret question"))
        await eventually(lambda: redis.xlen(dead_key(0)))
    return DeadLetters(redis, partitions=1)


async def test_a_list_says_why_but_not_what(buried: DeadLetters, capsys: pytest.CaptureFixture[str]) -> None:
    """Reason, source, attempts and last consumer are there; the question is not."""
    assert await run(buried, ["list"]) == 0
    line = capsys.readouterr().out
    for fact in ("the database refuses it", KEY, "attempts=1", "by=history-"):
        assert fact in line
    assert "secret" not in line


async def test_one_is_shown_whole(buried: DeadLetters, capsys: pytest.CaptureFixture[str]) -> None:
    """With the event as it was published."""
    [letter] = [letter async for letter in buried.all()]
    assert await run(buried, ["show", letter.id]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert QuestionAsked.model_validate_json(shown["event"]).turn.question == "a secret question"


@pytest.mark.parametrize("arguments", [["replay", "--all"], ["replay", "{id}"]])
async def test_a_replayed_letter_is_back_on_its_stream_once(
    buried: DeadLetters, redis: Redis, arguments: list[str]
) -> None:
    """With no attempts against it; a second replay finds nothing."""
    [letter] = [letter async for letter in buried.all()]
    before = await redis.xlen(KEY)
    assert await run(buried, [argument.format(id=letter.id) for argument in arguments]) == 0
    assert not await buried.replay(letter)
    assert await redis.xlen(KEY) == before + 1
    assert await redis.xlen(dead_key(0)) == 0


async def test_a_dropped_letter_is_gone(buried: DeadLetters, redis: Redis) -> None:
    """And dropping it again says that there is none."""
    [letter] = [letter async for letter in buried.all()]
    assert await run(buried, ["drop", letter.id]) == 0
    assert await run(buried, ["drop", letter.id]) == 1
    assert await redis.xlen(dead_key(0)) == 0


async def test_a_foreign_id_is_refused_with_the_form_it_should_have(buried: DeadLetters) -> None:
    """Nothing but a partition and an entry id reaches a key."""
    with pytest.raises(SystemExit, match="0/1700000000000-0"):
        await run(buried, ["show", "dead:{p0}"])
