"""The reranker that Pinecone hosts, as its SDK calls it."""

from collections.abc import AsyncIterator

import pytest

from libs.errors import PermanentError, TransientError
from libs.vectors.pinecone_rerank import PineconeReranker
from tests.fakes import pinecone_server
from tests.fakes.pinecone_server import API_KEY, RERANK_MODEL, FakePinecone

LIMIT_SECONDS = 0.4
TEXTS = ["a loan takes a week", "a transfer takes ten seconds", "the transfer of a player"]


@pytest.fixture
async def fake() -> AsyncIterator[FakePinecone]:
    async with pinecone_server.running(dimensions=2) as server:
        yield server


async def reranked(fake: FakePinecone, *, key: str = API_KEY, model: str = RERANK_MODEL) -> list[tuple[int, float]]:
    async with PineconeReranker(key, model=model, host=fake.host, timeout_seconds=LIMIT_SECONDS) as reranker:
        return await reranker.rerank("a transfer takes long", TEXTS, top_k=2)


async def test_the_best_texts_come_first(fake: FakePinecone) -> None:
    """Indices of the texts as they were given, with scores, and no more than wanted; one request."""
    assert await reranked(fake) == [(1, 0.75), (0, 0.5)]
    assert fake.counts["/rerank"] == 1


@pytest.mark.parametrize("status", [0, 429, 500], ids=lambda status: str(status or "silence"))
async def test_trouble_that_may_pass_is_transient(fake: FakePinecone, status: int) -> None:
    """Within the limit, whatever the SDK would wait for."""
    fake.trouble, fake.retry_after = [status] * 20, 60.0

    with pytest.raises(TransientError):
        await reranked(fake)


async def test_what_is_refused_is_said_in_our_families(fake: FakePinecone) -> None:
    """A model that is not there will not be there; a rotated key may be mended."""
    with pytest.raises(PermanentError):
        await reranked(fake, model="no-such-model")
    with pytest.raises(TransientError):
        await reranked(fake, key="another")
