"""What of retrieval can be switched while it runs, for some people first."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from libs.contracts.events import ContextRetrieved, TurnOpened
from libs.contracts.values import Principal
from libs.flags.flags import Flag
from retrieval_service.ports import Cache, Condense, Retrieve
from retrieval_service.search import Finder

CONDENSE = Flag(
    "retrieval-condense-by-model",
    default=True,
    meaning="A follow-up is made to stand alone by RETRIEVAL_CONDENSE_MODEL, if there is one; else by a rule",
)
RERANK = Flag(
    "retrieval-rerank",
    default=True,
    meaning="What was found is put in order by RETRIEVAL_RERANK_MODEL, if there is one",
)
FLAGS = (CONDENSE, RERANK)

IsOn = Callable[[Flag, Principal], bool]
Ways = Callable[..., Awaitable[ContextRetrieved]]


@dataclass(frozen=True)
class Finding:
    """How passages are found, and where what was found that way is remembered: rankings of two ways do not mix."""

    finder: Finder
    cache: Cache


def switched(
    retrieve: Ways,
    *,
    is_on: IsOn,
    fading: Condense,
    plain: Finding,
    rewriting: Condense | None = None,
    reranked: Finding | None = None,
) -> Retrieve:
    """The use case by the ways that are switched on for whoever asks.

    Args:
        retrieve: takes `condense`, `finder` and `cache`, and gives what takes the event.
        is_on: says so; it is not asked for a way that there is not.
        fading: without `CONDENSE`.
        plain: without `RERANK`.
        rewriting: with `CONDENSE`; None without a model for it.
        reranked: with `RERANK`; None without a model for it.
    """

    async def retrieve_switched(opened: TurnOpened) -> ContextRetrieved:
        principal = opened.turn.principal
        condense = rewriting if rewriting is not None and is_on(CONDENSE, principal) else fading
        finding = reranked if reranked is not None and is_on(RERANK, principal) else plain
        return await retrieve(opened, condense=condense, finder=finding.finder, cache=finding.cache)

    return retrieve_switched
