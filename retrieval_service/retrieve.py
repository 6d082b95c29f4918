"""From an opened turn to the passages that can answer it."""

import asyncio
from collections.abc import Sequence
from time import perf_counter

from libs.contracts.events import ContextRetrieved, TurnOpened
from libs.contracts.values import Passage, PastMessage, Timings
from retrieval_service.metrics import PASSAGES, STAGE_SECONDS
from retrieval_service.ports import Cache, Condense, Passages, Query, Relevance, Search
from retrieval_service.ranking import join_neighbours
from retrieval_service.search import Finder, Vectors


async def retrieve(
    opened: TurnOpened,
    *,
    condense: Condense,
    finder: Finder,
    passages: Passages,
    cache: Cache,
    top_k: int,
    relevance: Relevance,
) -> ContextRetrieved:
    """The best passages of what the principal may read at this moment, none when nothing is relevant.

    Args:
        opened: the turn; its question, with the ones before it, becomes the query.
        condense: makes the query.
        finder: finds what is not remembered.
        passages: says what exists, and holds the texts.
        cache: spares the finder.
        top_k: how many chunks at most; those that go on in each other become one passage.
        relevance: when nothing is relevant.

    Raises:
        TransientError: something does not answer.
        PermanentError: the model refuses the question, or its vectors do not fit the index.
    """
    started = perf_counter()
    question = opened.turn.question.strip()
    principal = opened.turn.principal
    searched_for = question
    found: tuple[Passage, ...] = ()
    if question:
        # A collection without a version never held a passage. Left out, all who have no documents share the cache.
        knowledge, (query, vectors) = await asyncio.gather(
            passages.knowledge(principal), _query(question, opened.history, condense=condense, cache=cache)
        )
        searched_for = "\n".join(text for text, _ in query)
        if knowledge.versions:
            search = Search(query, knowledge.versions, top_k, relevance._replace(chunks=knowledge.chunks))
            # A query without a vector was not asked lately: to ask for what it found would be in vain.
            ranking = None if None in vectors else await cache.ranking(search)
            if ranking is None:
                found = await finder.find(search, vectors, principal)
            else:
                found = await passages.read(ranking, principal=principal)
    seconds = perf_counter() - started
    STAGE_SECONDS.labels("whole").observe(seconds)
    PASSAGES.observe(len(found))
    return ContextRetrieved(
        turn=opened.turn,
        history=opened.history,
        query=searched_for,
        passages=join_neighbours(found),
        timings=Timings(retrieval_seconds=seconds),
    )


async def _query(
    question: str, history: Sequence[PastMessage], *, condense: Condense, cache: Cache
) -> tuple[Query, Vectors]:
    with STAGE_SECONDS.labels("condense").time():
        query = await condense(question, history)
    return query, await asyncio.gather(*(cache.vector(text) for text, _ in query))
