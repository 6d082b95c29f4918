"""Requests slow down together when an endpoint is at its limit, and none fails for it."""

import asyncio
import time
from dataclasses import replace
from functools import partial

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


async def test_who_was_refused_keeps_its_place() -> None:
    """Whoever came later does not overtake: each is answered in the order in which it asked."""
    pacer = Pacer(most_at_once=2)
    answered: list[int] = []
    refusals = iter([True, True, False, True])

    async def request(number: int) -> None:
        await asyncio.sleep(0)
        if next(refusals, False):
            raise OverLimitError("slow down", retry_after_seconds=0.05)
        answered.append(number)

    await asyncio.gather(*(pacer.paced(partial(request, number)) for number in range(6)))

    assert answered == [*range(6)]


async def test_who_gives_up_leaves_the_queue() -> None:
    """One that is cancelled while it waits does not hold up the next."""
    pacer = Pacer(most_at_once=1)
    goes_on = asyncio.Event()
    first = asyncio.create_task(pacer.paced(goes_on.wait))
    second = asyncio.create_task(pacer.paced(goes_on.wait))
    third = asyncio.create_task(pacer.paced(goes_on.wait))
    await asyncio.sleep(0.01)
    second.cancel()
    goes_on.set()

    assert all(await asyncio.wait_for(asyncio.gather(first, third), 5))


async def test_what_the_endpoint_tells_is_known() -> None:
    """OpenAI's headers, in texts; nothing when they are missing or make no sense."""
    script = Script(tokens_per_second=50, tokens_at_once=600)
    async with (
        running(script, dimensions=8) as fake,
        Endpoint(api_key="none", base_url=fake.base_url) as endpoint,
    ):
        pacer = Pacer()
        embedder = OpenAIEmbedder(endpoint, model="fake", dimensions=8, pacer=pacer)

        assert pacer.limit().texts_per_second is None
        await embedder.embed([TEXT] * 10)
        limit = pacer.limit()
        fake.script = replace(script, tokens_at_once=0)
        await embedder.embed([TEXT] * 5)

        # Ten tokens each.
        assert limit.texts_per_second == pytest.approx(5)
        assert limit.texts_now == pytest.approx(50, rel=0.1)
        assert limit.refused_at is None
        assert pacer.limit().texts_per_second is None


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
