"""Requests slow down together when an endpoint is at its limit, and none fails for it."""

import asyncio
import time

import pytest

from libs.errors import TransientError
from libs.llm.embeddings import OpenAIEmbedder
from libs.llm.endpoint import Endpoint, OverLimitError
from libs.llm.pacing import Pacer
from tests.fakes.openai_server import running
from tests.fakes.script import Script

TEXT = "ten words of a text that is to be embedded"


async def test_nothing_fails_at_an_endpoint_that_is_at_its_limit() -> None:
    """Three times what a second allows: every text gets its vector, however many requests were put off."""
    async with (
        running(Script(tokens_per_second=500), dimensions=8) as fake,
        Endpoint(api_key="none", base_url=fake.base_url) as endpoint,
    ):
        embedder = OpenAIEmbedder(endpoint, model="fake", dimensions=8, pacer=Pacer(most_at_once=8))

        vectors = await asyncio.gather(*(embedder.embed([TEXT] * 10) for _ in range(15)))

        assert [len(batch) for batch in vectors] == [10] * 15
        assert fake.counts["embedded_tokens"] == 15 * 100
        assert fake.counts["refused"] > 0


async def test_a_refusal_makes_everybody_wait() -> None:
    """After one 429 no request of the process goes out before the time it named."""
    pacer = Pacer(most_at_once=4)
    sent: list[float] = []
    refused_at: list[float] = []

    async def request() -> str:
        sent.append(time.monotonic())
        if not refused_at:
            refused_at.append(time.monotonic())
            raise OverLimitError("slow down", retry_after_seconds=0.2)
        return "answer"

    answers = await asyncio.gather(*(pacer.paced(request) for _ in range(6)))

    assert answers == ["answer"] * 6
    together = [at for at in sent if at < refused_at[0] + 0.2]
    assert len(together) <= 4
    assert len(sent) == 7


async def test_other_trouble_is_not_waited_for_here() -> None:
    """Whoever retries decides about that."""

    async def request() -> str:
        raise TransientError("away")

    with pytest.raises(TransientError, match="away"):
        await Pacer().paced(request)


async def test_patience_ends() -> None:
    """An endpoint that never has room is an error in the end, not a hang."""

    async def request() -> str:
        raise OverLimitError("slow down", retry_after_seconds=5)

    with pytest.raises(OverLimitError):
        await Pacer(patience_seconds=1).paced(request)
