"""The whole service: an opened turn on the bus becomes a retrieved one, and the answer's log names the sources."""

from collections.abc import AsyncIterator
from typing import cast

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from redis.asyncio import Redis

from libs.answers.names import LogName
from libs.bus.bus import Bus
from libs.bus.entry import stream_key
from libs.config import ModelSettings, PostgresSettings, RedisSettings
from libs.contracts.events import AnswerWritten, ContextRetrieved, TurnEvent
from libs.contracts.frames import PassagesFound, decode_frame
from libs.flags.settings import FlagSettings
from retrieval_service.settings import KnowledgeSettings, RetrievalSettings
from retrieval_service.wiring import build
from tests.builders import an_opened_turn
from tests.fakes import openai_server, pinecone_server
from tests.fakes.openai_server import FakeOpenAI, embedding
from tests.integration.retrieval.builders import DIMENSIONS, Shelf
from tests.polling import eventually


@pytest.fixture
async def model() -> AsyncIterator[FakeOpenAI]:
    async with openai_server.running(dimensions=DIMENSIONS) as fake:
        yield fake


class Deployment:
    """What a process of ours gets from its environment."""

    def __init__(self, redis_url: str, database_url: str, model: FakeOpenAI) -> None:
        self.redis = RedisSettings(redis_url=redis_url, bus_claim_seconds=1, bus_max_attempts=2)
        self.postgres = PostgresSettings(database_url=database_url, database_pool_size=4)
        self.model = ModelSettings(openai_api_key="key", openai_base_url=model.base_url)

    def app(self, **knowledge: str) -> FastAPI:
        settings = KnowledgeSettings.model_validate(
            {"embedding_model": "fake", "embedding_dimensions": DIMENSIONS, **knowledge}
        )
        return build(self.redis, self.postgres, self.model, settings, RetrievalSettings(), FlagSettings())


@pytest.fixture
def deployment(redis_url: str, database_url: str, model: FakeOpenAI) -> Deployment:
    return Deployment(redis_url, database_url, model)


async def published(redis: Redis, kind: type[TurnEvent]) -> list[TurnEvent]:
    return [kind.model_validate_json(fields[b"event"]) for fields in await entries(redis, stream_key(kind.stream, 0))]


async def entries(redis: Redis, key: str) -> list[dict[bytes, bytes]]:
    return [cast("dict[bytes, bytes]", fields) for _, fields in await redis.xrange(key) or ()]


async def the_only(redis: Redis, kind: type[TurnEvent]) -> TurnEvent:
    [event] = await eventually(lambda: published(redis, kind))
    return event


async def test_an_opened_turn_gets_its_passages(deployment: Deployment, shelf: Shelf, redis: Redis) -> None:
    """The next event carries them, the log names their sources without text, and nothing is left of the entry."""
    document_id = await shelf.add("a transfer does take ten seconds")
    opened = an_opened_turn(question="how long does a transfer take")
    app = deployment.app()

    async with app.router.lifespan_context(app):
        await Bus(deployment.redis, redis, group="tests").publish(opened)
        context = await the_only(redis, ContextRetrieved)

    assert isinstance(context, ContextRetrieved)
    assert context.turn == opened.turn
    assert [passage.document_id for passage in context.passages] == [document_id]
    [fields] = await entries(redis, LogName(0, opened.turn.answer_id).key)
    frame = decode_frame(next(iter(fields.values())))
    assert isinstance(frame, PassagesFound)
    assert [source.chunk_id for source in frame.sources] == [passage.chunk_id for passage in context.passages]
    assert await redis.xlen(stream_key(opened.stream, 0)) == 0


async def test_pinecone_takes_pgvectors_place_by_settings(
    deployment: Deployment, shelf: Shelf, redis: Redis, pool: asyncpg.Pool
) -> None:
    """With its key and host set, Pinecone is searched; the passages are Postgres's as ever."""
    text = "a transfer does take ten seconds"
    document_id = await shelf.add(text)
    chunk_id = await pool.fetchval("DELETE FROM chunk_vectors RETURNING chunk_id")
    async with pinecone_server.running(dimensions=DIMENSIONS) as fake:
        app = deployment.app(pinecone_api_key=pinecone_server.API_KEY, pinecone_index_host=fake.host)
        record = pinecone_server.Record(embedding(text, DIMENSIONS), {"document_id": str(document_id)})
        fake.namespaces["public"] = pinecone_server.Namespace(records={str(chunk_id): record})
        async with app.router.lifespan_context(app):
            await Bus(deployment.redis, redis, group="tests").publish(an_opened_turn(question="transfer ten seconds"))
            context = await the_only(redis, ContextRetrieved)

    assert isinstance(context, ContextRetrieved)
    assert [passage.chunk_id for passage in context.passages] == [chunk_id]


async def test_a_question_the_model_refuses_ends_as_failed(
    deployment: Deployment, model: FakeOpenAI, shelf: Shelf, redis: Redis
) -> None:
    """What will never work is buried, and the client hears of it."""
    await shelf.add("a transfer does take ten seconds")
    model.script = model.script.changed({"status": 400})
    app = deployment.app()

    async with app.router.lifespan_context(app):
        await Bus(deployment.redis, redis, group="tests").publish(an_opened_turn())
        answer = await the_only(redis, AnswerWritten)

    assert isinstance(answer, AnswerWritten)
    assert answer.status == "failed"
    assert await published(redis, ContextRetrieved) == []


async def test_the_probes_say_what_is_missing(deployment: Deployment, model: FakeOpenAI, redis: Redis) -> None:
    """Ready with everything there; not ready, and why, when Pinecone is not."""
    app = deployment.app()
    async with app.router.lifespan_context(app), _client(app) as client:
        ready = await client.get("/readyz")
        alive = await client.get("/healthz")
        metrics = await client.get("/metrics")
    assert (ready.status_code, alive.status_code) == (200, 200)
    assert set(ready.json()["checks"]) == {"redis", "postgres", "vectors", "model"}
    assert "retrieval_cache_lookups_total" in metrics.text

    app = deployment.app(pinecone_api_key="key", pinecone_index_host="http://127.0.0.1:9")
    async with app.router.lifespan_context(app), _client(app) as client:
        ready = await client.get("/readyz")
    assert ready.status_code == 503
    assert ready.json()["checks"]["vectors"] != "ok"


def _client(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://retrieval")
