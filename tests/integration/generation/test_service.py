"""The whole service between a real Valkey and a fake model: an event in, frames and the next event out."""

import asyncio

import httpx
from redis.asyncio import Redis

from generation_service.prompt import UNKNOWN
from libs.answers.cancel import cancel
from libs.answers.names import LogName
from libs.contracts.events import ContextRetrieved
from libs.contracts.frames import Cited, Closed, Started
from tests.builders import a_context, a_passage
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.script import Script
from tests.integration.generation.service import RETRIEVED, answered, ask, logged, service, text_of
from tests.polling import eventually


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


async def test_a_writer_that_died_is_to_be_replaced(redis_url: str, fake: FakeOpenAI) -> None:
    """Without its flusher answers come whole at their end: `/healthz` says so."""
    async with (
        service(redis_url, fake) as app,
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://generation") as probes,
    ):
        before = await probes.get("/healthz")
        [flusher] = [task for task in asyncio.all_tasks() if task.get_name() == "answer log flusher"]
        flusher.cancel()
        await asyncio.wait([flusher])
        after = await probes.get("/healthz")

    assert (before.status_code, before.json()["checks"]) == (200, {"bus": "ok", "writer": "ok"})
    assert (after.status_code, after.json()["checks"]) == (503, {"bus": "ok", "writer": "dead"})


async def _with_text(redis: Redis, context: ContextRetrieved) -> bool:
    return text_of(await logged(redis, context)) == "Ten seconds"
