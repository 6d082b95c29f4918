"""The cache makes things quick; nothing depends on it."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import structlog
from prometheus_client import REGISTRY
from redis.asyncio import Redis

from libs.bus.connection import connect
from retrieval_service.cache import RetrievalCache
from retrieval_service.ports import Relevance, Search
from tests.integration.retrieval.builders import Shelf
from tests.integration.retrieval.conftest import Ask, HashedWords, a_cache
from tests.integration.retrieval.test_finding import ANSWER, QUESTION


async def test_what_is_kept_has_an_end_and_holds_no_text(shelf: Shelf, ask: Ask, redis: Redis) -> None:
    """Every key is under `cache:` with a time to live; neither question nor passage can be read from Redis."""
    await shelf.add(ANSWER)
    await ask(QUESTION)

    stored = {key: await redis.get(key) for key in await redis.keys("*")}
    assert len(stored) == 2
    assert "transfer" not in repr(stored)
    assert all(repr(key).startswith("b'cache:") for key in stored)
    assert all([0 < await redis.ttl(key) <= 60 for key in stored])


async def test_a_search_is_known_again_only_if_all_that_decides_is_the_same(redis: Redis) -> None:
    """Another query, right, version, number or threshold is another search; so is another model."""
    cache, search = a_cache(redis), Search((("a", 1.0),), {"public": 1, "user-1": 7}, 4, Relevance(0.2, 0.5))
    async with cache:
        cache.keep_ranking(search, [])
    others = [
        search._replace(query=(("b", 1.0),)),
        search._replace(query=(("a", 1.0), ("b", 0.5))),
        search._replace(knowledge={"public": 1}),
        search._replace(knowledge={"public": 2, "user-1": 7}),
        search._replace(knowledge={"public": 1, "user-2": 7}),
        search._replace(top_k=5),
        search._replace(relevance=Relevance(0.3, 0.5)),
        search._replace(relevance=Relevance(0.2, 0.6)),
    ]
    other_model = RetrievalCache(
        redis, space="another model", dimensions=384, vector_ttl_seconds=60, ranking_ttl_seconds=60
    )

    assert await cache.ranking(search._replace(knowledge={"user-1": 7, "public": 1})) == []
    assert [await cache.ranking(other) for other in others] == [None] * len(others)
    assert await other_model.ranking(search) is None


async def test_hits_and_misses_are_counted(shelf: Shelf, ask: Ask) -> None:
    """The ratio of each cache can be read from the metrics."""

    def lookups(cache: str, outcome: str) -> float:
        labels = {"cache": cache, "outcome": outcome}
        return REGISTRY.get_sample_value("retrieval_cache_lookups_total", labels) or 0.0

    await shelf.add(ANSWER)
    seen = [("ranking", "miss"), ("ranking", "hit"), ("vector", "miss"), ("vector", "hit")]
    before = [lookups(*kind) for kind in seen]

    await ask(QUESTION)
    await ask(QUESTION)
    await shelf.add("something else")
    await ask(QUESTION)

    assert [lookups(*kind) - count for kind, count in zip(seen, before, strict=True)] == [1, 1, 1, 2]


async def test_garbage_in_the_cache_is_as_good_as_nothing(shelf: Shelf, ask: Ask, redis: Redis) -> None:
    """A value that cannot be read is replaced."""
    await shelf.add(ANSWER)
    first = await ask(QUESTION)
    for key in await redis.keys("cache:*"):
        await redis.set(key, b"garbage")

    assert [(p.text, p.chunk_id) for p in await ask(QUESTION)] == [(p.text, p.chunk_id) for p in first]


async def test_a_key_of_another_type_fails_nobody(shelf: Shelf, ask: Ask, redis: Redis) -> None:
    """Redis refuses to read it; the question is answered."""
    await shelf.add(ANSWER)
    await ask(QUESTION)
    for key in await redis.keys("cache:*"):
        await redis.delete(key)
        await redis.lpush(key, b"garbage")

    assert len(await ask(QUESTION)) == 1


class SilentServer:
    """Takes connections, counts them, and never says a word."""

    def __init__(self) -> None:
        self.connections = 0
        self.url = ""
        self.closing = asyncio.Event()

    async def __call__(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        await self.closing.wait()
        writer.close()


@pytest.fixture
async def silent() -> AsyncIterator[SilentServer]:
    handler = SilentServer()
    server = await asyncio.start_server(handler, "127.0.0.1", 0)
    handler.url = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield handler
    handler.closing.set()
    server.close()


async def test_a_silent_cache_costs_one_short_look(
    shelf: Shelf, ask: Ask, embedder: HashedWords, silent: SilentServer
) -> None:
    """Answers come as if there were no cache; after one look in vain it is left alone for a while."""
    await shelf.add(ANSWER)
    async with connect(silent.url) as redis, asyncio.timeout(20):
        cache = a_cache(redis)

        answers = [await ask(QUESTION, cache=cache) for _ in range(3)]

    assert [len(passages) for passages in answers] == [1, 1, 1]
    assert embedder.calls == 3
    assert silent.connections == 1


async def test_a_cache_that_is_away_fails_nobody(shelf: Shelf, ask: Ask) -> None:
    """Nobody listens at its address: the questions are answered, and it is said once."""
    await shelf.add(ANSWER)
    async with connect("unix:///nowhere/at/all.sock") as away:
        cache = RetrievalCache(
            away, space="s", dimensions=384, vector_ttl_seconds=60, ranking_ttl_seconds=60, rest_seconds=0
        )
        with structlog.testing.capture_logs() as logs:
            for _ in range(3):
                assert len(await ask(QUESTION, cache=cache)) == 1
    assert [line["event"] for line in logs].count("cache away") == 1


async def test_a_cache_that_has_come_back_is_used_again(shelf: Shelf, ask: Ask, redis: Redis) -> None:
    """The rest after a failure ends."""
    await shelf.add(ANSWER)
    cache = RetrievalCache(
        redis, space="s", dimensions=384, vector_ttl_seconds=60, ranking_ttl_seconds=60, rest_seconds=0
    )
    for name in await _keys_after(ask, cache, redis):
        await redis.delete(name)
        await redis.lpush(name, b"garbage")
    await ask(QUESTION, cache=cache)
    await redis.flushall()

    assert len(await _keys_after(ask, cache, redis)) == 2


async def _keys_after(ask: Ask, cache: RetrievalCache, redis: Redis) -> list[bytes | str]:
    await ask(QUESTION, cache=cache)
    return list(await redis.keys("cache:*"))
