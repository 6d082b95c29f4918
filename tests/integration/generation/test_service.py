"""The whole service between a real Valkey and a fake model: an event in, frames and the next event out."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from generation_service.prompt import UNKNOWN
from generation_service.settings import ChatSettings, GenerationSettings, ModelSettings, RedisSettings
from generation_service.wiring import build
from libs.answers.cancel import cancel
from libs.answers.names import LogName
from libs.bus.entry import fields_of, stream_key
from libs.contracts.events import AnswerWritten, ContextRetrieved
from libs.contracts.frames import Cited, Closed, Delta, Frame, Started, decode_frame
from tests.builders import a_context, a_passage
from tests.fakes.openai_server import FakeOpenAI, running
from tests.fakes.script import Script
from tests.polling import eventually

ANSWERED = stream_key(AnswerWritten.stream, 0)
RETRIEVED = stream_key(ContextRetrieved.stream, 0)


@pytest.fixture
async def fake() -> AsyncIterator[FakeOpenAI]:
    async with running(Script(text="Ten seconds [1], says nobody [7].")) as server:
        yield server


@asynccontextmanager
async def service(redis_url: str, fake: FakeOpenAI, **generation: Any) -> AsyncIterator[None]:
    """The worker, running in this process."""
    app = build(
        RedisSettings(redis_url=redis_url, bus_claim_seconds=1.0, bus_max_attempts=2),
        ModelSettings(openai_api_key=SecretStr("key"), openai_base_url=fake.base_url),
        ChatSettings(chat_model="fake"),
        GenerationSettings(token_encoding="cl100k_base", model_tries=1, **generation),
    )
    async with app.router.lifespan_context(app):
        yield


async def ask(redis: Redis, context: ContextRetrieved) -> None:
    fields = fields_of(context)
    await redis.xadd(RETRIEVED, dict(zip(fields[::2], fields[1::2], strict=True)))


async def answered(redis: Redis) -> list[AnswerWritten]:
    entries: Any = await redis.xrange(ANSWERED)
    return [AnswerWritten.model_validate_json(fields[b"event"]) for _, fields in entries]


async def logged(redis: Redis, context: ContextRetrieved) -> list[Frame]:
    entries: Any = await redis.xrange(LogName(0, context.turn.answer_id).key)
    return [decode_frame(fields[b"f"]) for _, fields in entries]


def text_of(frames: list[Frame]) -> str:
    return "".join(frame.text for frame in frames if isinstance(frame, Delta))


async def test_a_question_with_passages_gets_its_cited_answer(redis: Redis, redis_url: str, fake: FakeOpenAI) -> None:
    """Log and event say the same; the entry is finished; the model saw the passages."""
    context = a_context(a_passage())

    async with service(redis_url, fake):
        await ask(redis, context)
        [event] = await eventually(lambda: answered(redis))

    assert (event.status, event.text, event.model) == ("completed", "Ten seconds [1], says nobody.", "fake")
    assert [citation.chunk_id for citation in event.citations] == [context.passages[0].chunk_id]
    frames = await logged(redis, context)
    assert isinstance(frames[0], Started)
    assert text_of(frames) == event.text
    assert tuple(frame.citation for frame in frames if isinstance(frame, Cited)) == event.citations
    assert frames[-1] == Closed(status="completed", frames=len(frames) - 1)
    assert await redis.xlen(RETRIEVED) == 0
    assert context.passages[0].text in fake.bodies[0]["messages"][0]["content"]


async def test_without_passages_the_model_is_left_alone(redis: Redis, redis_url: str, fake: FakeOpenAI) -> None:
    """The answer is there all the same."""
    async with service(redis_url, fake):
        await ask(redis, a_context())
        [event] = await eventually(lambda: answered(redis))

    assert (event.status, event.text) == ("completed", UNKNOWN)
    assert not fake.counts["requests"]


async def test_a_cancel_stops_the_models_stream(redis: Redis, redis_url: str, fake: FakeOpenAI) -> None:
    """Even while the model says nothing; what was written is kept as cancelled."""
    fake.script = Script(text="Ten seconds [1].", stall_at=2)
    context = a_context(a_passage())

    async with service(redis_url, fake):
        await ask(redis, context)
        await eventually(lambda: _with_text(redis, context))
        assert await cancel(redis, LogName(0, context.turn.answer_id))
        [event] = await eventually(lambda: answered(redis))
        await eventually(lambda: asyncio.sleep(0, fake.open == 0))

    assert (event.status, event.text) == ("cancelled", "Ten seconds")
    assert fake.counts["dropped"] == 1


async def test_a_model_that_stays_away_fails_the_answer(redis: Redis, redis_url: str, fake: FakeOpenAI) -> None:
    """After the last attempt, with a reason a client can be told."""
    fake.script = Script(status=503)

    async with service(redis_url, fake):
        await ask(redis, a_context(a_passage()))
        [event] = await eventually(lambda: answered(redis))

    assert (event.status, event.failure) == ("failed", "model_unavailable")
    assert fake.counts["requests"] == 2


async def test_a_cut_answer_is_written_anew(redis: Redis, redis_url: str, fake: FakeOpenAI) -> None:
    """The second attempt's text replaces the first one's."""
    fake.script = Script(text="Ten seconds [1].", cut_at=2, times=1)
    context = a_context(a_passage())

    async with service(redis_url, fake):
        await ask(redis, context)
        [event] = await eventually(lambda: answered(redis))

    assert (event.status, event.text) == ("completed", "Ten seconds [1].")
    frames = await logged(redis, context)
    attempts = [n for n, frame in enumerate(frames) if isinstance(frame, Started)]
    assert text_of(frames[attempts[-1] :]) == event.text
    assert fake.counts["requests"] == 2


async def _with_text(redis: Redis, context: ContextRetrieved) -> bool:
    return text_of(await logged(redis, context)) == "Ten seconds"
