"""Retrieval over a real Postgres and a real Valkey; only the model is a fake."""

from collections.abc import Awaitable, Callable, Sequence

import asyncpg
import pytest
from redis.asyncio import Redis

from libs.contracts.values import Passage, Principal
from retrieval_service.cache import RetrievalCache
from retrieval_service.condense import fading
from retrieval_service.lexical import PostgresWords
from retrieval_service.passages import PostgresPassages
from retrieval_service.ports import Relevance, VectorIndex
from retrieval_service.retrieve import retrieve
from retrieval_service.search import Finder
from tests.builders import a_principal, an_opened_turn
from tests.fakes.openai_server import embedding
from tests.integration.retrieval.builders import DIMENSIONS, Shelf

Ask = Callable[..., Awaitable[tuple[Passage, ...]]]


class HashedWords:
    """Texts that share words are near each other; counts its calls."""

    def __init__(self) -> None:
        self.calls = 0

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        self.calls += 1
        return [embedding(text, DIMENSIONS) for text in texts]


@pytest.fixture
def embedder() -> HashedWords:
    return HashedWords()


@pytest.fixture
def shelf(pool: asyncpg.Pool) -> Shelf:
    return Shelf(pool)


def a_cache(redis: Redis) -> RetrievalCache:
    return RetrievalCache(
        redis,
        space="hashed words",
        dimensions=DIMENSIONS,
        vector_ttl_seconds=60,
        ranking_ttl_seconds=60,
        rest_seconds=60,
    )


@pytest.fixture
def ask(pool: asyncpg.Pool, redis: Redis, shelf: Shelf, embedder: HashedWords) -> Ask:
    """A question, and the principal `by` whom it is asked; the passages they get."""
    cache = a_cache(redis)

    async def ask_for(
        question: str,
        *,
        by: Principal | None = None,
        index: VectorIndex = shelf.store,
        cache: RetrievalCache = cache,
    ) -> tuple[Passage, ...]:
        async with cache:  # left when all is kept
            passages = PostgresPassages(pool)
            context = await retrieve(
                an_opened_turn(question=question, principal=by or a_principal()),
                condense=fading,
                finder=Finder(embedder, index, PostgresWords(pool), passages, cache),
                passages=passages,
                cache=cache,
                top_k=4,
                relevance=Relevance(min_score=0.2, min_coverage=1.0),
            )
        return context.passages

    return ask_for
