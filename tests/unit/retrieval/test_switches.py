"""Retrieval goes the way that is switched on for whoever asks."""

from typing import Any, cast

from libs.contracts.events import ContextRetrieved, TurnOpened
from libs.contracts.values import Principal
from libs.flags.flags import Flag
from retrieval_service.flags import CONDENSE, RERANK, Finding, switched
from tests.builders import an_opened_turn


class Ways:
    """Notes which way was gone; what it is given are names."""

    def __init__(self, *on: Flag) -> None:
        self.on = on
        self.asked: list[Flag] = []

    def is_on(self, flag: Flag, principal: Principal) -> bool:
        self.asked.append(flag)
        return flag in self.on

    async def retrieve(self, opened: TurnOpened, **way: Any) -> ContextRetrieved:
        self.gone = way
        return ContextRetrieved(turn=opened.turn, query="q", passages=())

    async def go(self, **ways: Any) -> dict[str, Any]:
        run = switched(self.retrieve, is_on=self.is_on, fading=cast("Any", "fading"), plain=_finding("plain"), **ways)
        await run(an_opened_turn())
        return self.gone


def _finding(name: str) -> Finding:
    return Finding(cast("Any", name), cast("Any", f"{name} cache"))


async def test_both_ways_are_switched_apart() -> None:
    """Each has its finder and the cache of that finder."""
    ways = {"rewriting": "rewriting", "reranked": _finding("reranked")}

    assert await Ways().go(**ways) == {"condense": "fading", "finder": "plain", "cache": "plain cache"}
    assert await Ways(CONDENSE).go(**ways) == {"condense": "rewriting", "finder": "plain", "cache": "plain cache"}
    assert await Ways(RERANK).go(**ways) == {"condense": "fading", "finder": "reranked", "cache": "reranked cache"}


async def test_a_way_that_there_is_not_is_not_asked_for() -> None:
    """Nobody would be exposed to anything."""
    ways = Ways(CONDENSE, RERANK)

    assert await ways.go() == {"condense": "fading", "finder": "plain", "cache": "plain cache"}
    assert ways.asked == []
