"""Short documents share requests to the embedding model, and nothing else."""

import asyncio
from collections.abc import Sequence

import pytest

from ingest_service.gathering import GatheringEmbedder
from libs.errors import PermanentError, TransientError

PATIENT = 3600.0


class Lengths:
    """An embedder whose vector of a text is its length; it refuses requests with certain texts."""

    def __init__(self) -> None:
        self.requests: list[list[str]] = []
        self.refuses: dict[str, Exception] = {}

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        self.requests.append(list(texts))
        for text in texts:
            if text in self.refuses:
                raise self.refuses[text]
        return [(float(len(text)),) for text in texts]


async def test_callers_share_a_request() -> None:
    """A full request goes out at once, each caller gets its own vectors, and what does not fit goes with the next."""
    lengths = Lengths()
    async with GatheringEmbedder(lengths, size=3, wait_seconds=PATIENT) as embedder:
        calls = (["a"], ["bb", "ccc"], ["dd", "d"], ["eeee"])
        found = await asyncio.gather(*(embedder.embed(texts) for texts in calls))

    assert lengths.requests == [["a", "bb", "ccc"], ["dd", "d", "eeee"]]
    assert found == [[(1.0,)], [(2.0,), (3.0,)], [(2.0,), (1.0,)], [(4.0,)]]


async def test_nobody_waits_for_ever() -> None:
    """A caller that stays alone is served after a moment; a call that fills a request is not held up by it."""
    lengths = Lengths()
    async with GatheringEmbedder(lengths, size=3, wait_seconds=0.0) as embedder:
        assert await embedder.embed(["alone"]) == [(5.0,)]
        assert await embedder.embed(["a", "b", "c", "d"]) == [(1.0,)] * 4


@pytest.mark.parametrize("error", [PermanentError("too long"), TransientError("it broke down over this")])
async def test_what_one_caller_did_is_not_the_others_trouble(error: Exception) -> None:
    """A request that fails for a text of one document goes out again for each alone: only that one hears of it."""
    lengths = Lengths()
    lengths.refuses["poison"] = error
    async with GatheringEmbedder(lengths, size=3, wait_seconds=PATIENT) as embedder:
        good, bad, other = await asyncio.gather(
            embedder.embed(["good"]), embedder.embed(["poison"]), embedder.embed(["other"]), return_exceptions=True
        )

    assert (good, other) == ([(4.0,)], [(5.0,)])
    assert bad is error


async def test_who_has_gone_takes_no_place() -> None:
    """A caller that was cancelled while it waited is not in the request."""
    lengths = Lengths()
    async with GatheringEmbedder(lengths, size=2, wait_seconds=PATIENT) as embedder:
        gone = asyncio.ensure_future(embedder.embed(["gone"]))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        found = await asyncio.gather(*(embedder.embed([text]) for text in "ab"))

    assert lengths.requests == [["a", "b"]]
    assert found == [[(1.0,)], [(1.0,)]]
