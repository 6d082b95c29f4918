"""Every text gets its vector, in its place."""

import pytest

from libs.errors import PermanentError, TransientError
from libs.llm.embeddings import OpenAIEmbedder
from libs.llm.endpoint import Endpoint
from tests.fakes.openai_server import FakeOpenAI, embedding
from tests.integration.llm.conftest import QUICK


def an_embedder(
    endpoint: Endpoint, trouble: str = "", *, model: str = "fake", dimensions: int = 384, timeout_seconds: float = 10.0
) -> OpenAIEmbedder:
    return OpenAIEmbedder(
        endpoint,
        model=f"{model}?{trouble}",
        dimensions=dimensions,
        batch_texts=4,
        timeout_seconds=timeout_seconds,
        retries=QUICK,
    )


async def test_vectors_come_in_the_order_of_their_texts(endpoint: Endpoint, fake: FakeOpenAI) -> None:
    """Over several batches, to the precision of a 32-bit float."""
    texts = [f"text number {n}" for n in range(10)]

    vectors = await an_embedder(endpoint).embed(texts)

    assert vectors == [pytest.approx(embedding(text, 384), abs=1e-6) for text in texts]
    assert [len(body["input"]) for body in fake.bodies] == [4, 4, 2]
    assert all("dimensions" not in body for body in fake.bodies)


async def test_nothing_to_embed_is_no_request(endpoint: Endpoint, fake: FakeOpenAI) -> None:
    """And no vectors."""
    assert await an_embedder(endpoint).embed([]) == []
    assert not fake.counts["requests"]


async def test_a_model_that_can_is_asked_for_shorter_vectors(endpoint: Endpoint) -> None:
    """OpenAI's third generation has a native length and gives shorter ones on request."""
    [vector] = await an_embedder(endpoint, model="text-embedding-3-small", dimensions=128).embed(["text"])

    assert len(vector) == 128


async def test_vectors_of_another_length_are_refused(endpoint: Endpoint) -> None:
    """The index could not hold them: the settings are wrong, and the message names both lengths."""
    with pytest.raises(PermanentError, match="384 dimensions where 1536"):
        await an_embedder(endpoint, dimensions=1536).embed(["text"])


@pytest.mark.parametrize("trouble", ["status=429&retry_after=0.05", "status=503", "stall_at=0"])
async def test_trouble_that_passes_is_not_seen(endpoint: Endpoint, fake: FakeOpenAI, trouble: str) -> None:
    """Each batch is tried again by itself."""
    embedder = an_embedder(endpoint, f"{trouble}&times=2", timeout_seconds=0.3)

    assert len(await embedder.embed(["a", "b"])) == 2
    assert fake.counts["requests"] == 3


async def test_trouble_that_stays_is_told(endpoint: Endpoint) -> None:
    """Away is tried again by the bus, a refusal is not."""
    with pytest.raises(TransientError):
        await an_embedder(endpoint, "status=500").embed(["a"])
    with pytest.raises(PermanentError):
        await an_embedder(endpoint, "status=400").embed(["a"])


async def test_vectors_as_lists_of_numbers_are_understood(endpoint: Endpoint, fake: FakeOpenAI) -> None:
    """Not every server knows base64."""
    fake.base64_embeddings = False

    assert await an_embedder(endpoint).embed(["x"]) == [pytest.approx(embedding("x", 384))]
