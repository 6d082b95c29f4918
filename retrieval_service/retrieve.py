"""From an opened turn to the passages that can answer it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from time import perf_counter

from libs.contracts.events import ContextRetrieved, TurnOpened
from libs.contracts.values import Passage, Timings
from retrieval_service.metrics import PASSAGES, STAGE_SECONDS
from retrieval_service.ports import Cache, Embedder, Passages, Ranking, Search, VectorIndex
from retrieval_service.ranking import fold_duplicates

Read = Callable[[Ranking], Awaitable[tuple[Passage, ...]]]
"""The passages of a ranking that the one who asks may read."""

OVERFETCH = 3
"""Vectors asked for per passage wanted: some belong to deleted texts, some say the same."""
MAX_CANDIDATES = 1000
"""How far a search is widened before what was found must do."""


async def retrieve(
    opened: TurnOpened,
    *,
    embedder: Embedder,
    index: VectorIndex,
    passages: Passages,
    cache: Cache,
    top_k: int,
    min_score: float,
) -> ContextRetrieved:
    """The best passages of what the principal may read at this moment, none when nothing is relevant.

    Args:
        opened: the turn; its question is the query.
        embedder: turns the query into a vector.
        index: finds the nearest chunks; may still know deleted ones.
        passages: says what of that exists, and holds the texts.
        cache: spares the embedder and the index.
        top_k: how many passages at most.
        min_score: the least cosine similarity of a passage (ADR 0011).

    Raises:
        TransientError: something does not answer.
        PermanentError: the model refuses the question, or its vectors do not fit the index.
    """
    started = perf_counter()
    query = opened.turn.question.strip()
    principal = opened.turn.principal
    read = partial(passages.read, principal=principal)
    found: tuple[Passage, ...] = ()
    if query:
        # A collection without a version never held a passage. Left out, all who have no documents share the cache.
        knowledge, vector = await asyncio.gather(passages.knowledge(principal), cache.vector(query))
        if knowledge:
            search = Search(query, knowledge, top_k, min_score)
            # A query without a vector was not asked lately: to ask for what it found would be in vain.
            ranking = None if vector is None else await cache.ranking(search)
            if ranking is None:
                found = await _find(search, vector, embedder=embedder, index=index, read=read, cache=cache)
            else:
                found = await read(ranking)
    seconds = perf_counter() - started
    STAGE_SECONDS.labels("whole").observe(seconds)
    PASSAGES.observe(len(found))
    return ContextRetrieved(
        turn=opened.turn,
        history=opened.history,
        query=query,
        passages=found,
        timings=Timings(retrieval_seconds=seconds),
    )


async def _find(
    search: Search,
    vector: Sequence[float] | None,
    *,
    embedder: Embedder,
    index: VectorIndex,
    read: Read,
    cache: Cache,
) -> tuple[Passage, ...]:
    if vector is None:
        with STAGE_SECONDS.labels("embed").time():
            [vector] = await embedder.embed([search.query])
        cache.keep_vector(search.query, vector)
    found = await _nearest(search, vector, index=index, read=read)
    cache.keep_ranking(search, [(passage.chunk_id, passage.score) for passage in found])
    return found


async def _nearest(search: Search, vector: Sequence[float], *, index: VectorIndex, read: Read) -> tuple[Passage, ...]:
    collections = tuple(search.knowledge)
    wanted = min(search.top_k * OVERFETCH, MAX_CANDIDATES)
    while True:
        with STAGE_SECONDS.labels("search").time():
            nearest = await index.search(vector, collections=collections, top_k=wanted)
        relevant = [(chunk_id, score) for chunk_id, score in nearest if score >= search.min_score]
        found = fold_duplicates(await read(relevant))[: search.top_k]
        # Vectors of deleted texts stay for a while: too many of them must not hide what exists.
        if len(found) == search.top_k or len(relevant) < wanted or wanted == MAX_CANDIDATES:
            return found
        wanted = min(4 * wanted, MAX_CANDIDATES)
