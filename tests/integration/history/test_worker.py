"""The worker as a process has it: streams in, streams and logs out."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import httpx
import pytest
from redis.asyncio import Redis

from history_service.__main__ import main
from history_service.settings import HistorySettings
from history_service.wiring import worker_app
from libs.answers.names import LogName
from libs.bus.bus import Bus
from libs.bus.entry import stream_key
from libs.config import PostgresSettings, RedisSettings
from libs.contracts.events import Event, QuestionAsked, TurnOpened
from libs.contracts.frames import Frame, decode_frame
from libs.contracts.values import Turn
from tests.builders import a_principal, a_question, an_answer

pytestmark = pytest.mark.usefixtures("pool")


@pytest.fixture
def settings(redis_url: str) -> RedisSettings:
    return RedisSettings(redis_url=redis_url, bus_claim_seconds=1)


@asynccontextmanager
async def working(settings: RedisSettings, database_url: str, **given: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A worker that runs; its probes."""
    app = worker_app(HistorySettings(**given), settings, PostgresSettings(database_url=database_url))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://worker") as probes,
    ):
        yield probes


async def until(condition: Callable[[], Awaitable[Any]]) -> Any:
    """What the condition gives once it is true."""
    async with asyncio.timeout(10):
        while not (result := await condition()):
            await asyncio.sleep(0.02)
        return result


async def publish(settings: RedisSettings, redis: Redis, *events: Event) -> None:
    bus = Bus(settings, redis, group="test")
    for event in events:
        await bus.publish(event)


async def opened_turns(redis: Redis, count: int) -> list[Turn]:
    """The turns of `chat.opened`, once there are so many."""

    async def enough() -> Any:
        entries: Any = await redis.xrange(stream_key(TurnOpened.stream, 0))
        return len(entries) >= count and entries

    return [TurnOpened.model_validate_json(fields[b"event"]).turn for _, fields in await until(enough)]


async def last_frame(redis: Redis, turn: Turn, kind: str) -> Frame:
    """The last frame of the turn's log, once it is of this kind."""

    async def frame() -> Any:
        entries: Any = await redis.xrevrange(LogName(0, turn.answer_id).key, count=1)
        decoded = decode_frame(entries[0][1][b"f"]) if entries else None
        return decoded if decoded and decoded.kind == kind else None

    last: Frame = await until(frame)
    return last


async def pending(redis: Redis) -> int:
    return int(await redis.xlen(stream_key(QuestionAsked.stream, 0)))


async def test_questions_are_opened_and_answers_ended(settings: RedisSettings, redis: Redis, database_url: str) -> None:
    """A session's second question is accepted at once, and opened by the end of the first."""
    first = a_question()
    second = a_question(session_id=first.turn.session_id, principal=first.turn.principal)
    async with working(settings, database_url):
        await publish(settings, redis, first)
        assert await opened_turns(redis, 1) == [first.turn]
        await publish(settings, redis, second)
        opened = await last_frame(redis, second.turn, "opened")
        await publish(settings, redis, an_answer("Ten.", turn=first.turn))
        ended = await last_frame(redis, first.turn, "ended")
        both = await opened_turns(redis, 2)

    assert opened.kind == "opened"
    assert opened.queued
    assert opened.question_id == second.turn.question_id
    assert ended.kind == "ended"
    assert ended.status == "completed"
    assert both == [first.turn, second.turn]


async def test_a_repeated_question_leaves_nothing_behind(
    settings: RedisSettings, redis: Redis, database_url: str
) -> None:
    """Sent three times, opened once, and no entry waits."""
    turn = a_question().turn
    async with working(settings, database_url):
        await publish(settings, redis, *(QuestionAsked(turn=turn) for _ in range(3)))
        await opened_turns(redis, 1)

        async def nothing_waits() -> bool:
            return await pending(redis) == 0

        await until(nothing_waits)
        assert await opened_turns(redis, 1) == [turn]


async def test_a_stranger_is_told_on_their_own_log(settings: RedisSettings, redis: Redis, database_url: str) -> None:
    """And the owner's log has nothing of it."""
    owners = a_question()
    strangers = a_question(session_id=owners.turn.session_id, principal=a_principal())
    async with working(settings, database_url):
        await publish(settings, redis, owners)
        await opened_turns(redis, 1)
        await publish(settings, redis, strangers)
        ended = await last_frame(redis, strangers.turn, "ended")
        assert await redis.xlen(LogName(0, owners.turn.answer_id).key) == 1

    assert ended.kind == "ended"
    assert (ended.status, ended.failure) == ("failed", "session_not_found")


async def test_what_redis_forgot_is_opened_again(settings: RedisSettings, redis: Redis, database_url: str) -> None:
    """A turn whose entry and log are gone comes back from Postgres."""
    asked = a_question()
    async with working(settings, database_url, sweep_seconds=0.1, silent_seconds=0.5):
        await publish(settings, redis, asked)
        await opened_turns(redis, 1)
        await redis.delete(stream_key(TurnOpened.stream, 0), LogName(0, asked.turn.answer_id).key)

        assert await opened_turns(redis, 1) == [asked.turn]


async def test_a_worker_outlives_its_connections_to_postgres(
    settings: RedisSettings, redis: Redis, database_url: str, pool: asyncpg.Pool
) -> None:
    """Cut in the middle of its work, it opens every question all the same."""
    asked = [a_question() for _ in range(20)]
    terminate = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'history-worker'"
    async with working(settings, database_url):
        for question in asked:
            await publish(settings, redis, question)
            await pool.execute(terminate)
        turns = await opened_turns(redis, len(asked))

    assert {turn.answer_id for turn in turns} == {question.turn.answer_id for question in asked}


async def test_the_probes_name_what_is_needed(settings: RedisSettings, database_url: str) -> None:
    """Ready with Postgres and Redis."""
    async with working(settings, database_url) as probes:
        ready = await probes.get("/readyz")
        alive = await probes.get("/healthz")

    assert ready.json() == {"ready": True, "checks": {"postgres": "ok", "redis": "ok"}}
    assert alive.status_code == 200


@pytest.mark.parametrize("arguments", [[], ["serve"], ["api", "worker"]])
def test_any_other_command_says_how_to_use_it(arguments: list[str]) -> None:
    """One line, and a failure."""
    with pytest.raises(SystemExit, match=r"^usage: python -m history_service worker\|api$"):
        main(arguments)
