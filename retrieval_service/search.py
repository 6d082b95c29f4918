"""Finds the chunks for a query: two searches at the same time, joined, of what exists, nothing said twice."""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog

from libs.contracts.values import Passage, Principal
from libs.errors import EloquentError
from retrieval_service.fusion import Candidate, fuse, is_relevant, least_cosine, relevant
from retrieval_service.metrics import RERANKED, STAGE_SECONDS
from retrieval_service.ports import (
    Cache,
    Embedder,
    Match,
    Passages,
    Query,
    Reranker,
    Search,
    VectorIndex,
    WordIndex,
)
from retrieval_service.ranking import fold_duplicates

log = structlog.get_logger()

DEPTH = 6
"""Candidates of each search per chunk wanted: as many as it takes for the joined ranking of the first not to change."""
OVERREAD = 1.5
"""Texts read per chunk wanted: some are deleted, some say the same."""
TO_RERANK = 3
"""Texts given to a reranker per chunk wanted."""
MAX_CANDIDATES = 1000
"""How far a search is widened before what was found must do."""

Vectors = Sequence[Sequence[float] | None]
"""Of the query's texts, in their order; None where it is not known yet."""


@dataclass(frozen=True, slots=True)
class Finder:
    """The searches with what they need.

    Attributes:
        embedder: turns what has no vector yet into one.
        index: finds the nearest chunks; may still know deleted ones.
        words: finds the chunks with the query's words.
        passages: says what of that exists, and holds the texts.
        cache: remembers vectors and rankings.
        reranker: puts the best in a better order; None when there is none.
    """

    embedder: Embedder
    index: VectorIndex
    words: WordIndex
    passages: Passages
    cache: Cache
    reranker: Reranker | None = None

    async def find(self, search: Search, vectors: Vectors, principal: Principal) -> tuple[Passage, ...]:
        """The best chunks as they are in the documents, at most `top_k`; they are remembered.

        Raises:
            TransientError: something does not answer.
            PermanentError: the model refuses the question, or its vectors do not fit the index.
        """
        found = await self._search(search, vectors, principal)
        if self.reranker is not None and len(found) > 1:
            found = await self._rerank(self.reranker, search, found)
        found = found[: search.top_k]
        self.cache.keep_ranking(search, [(passage.chunk_id, passage.score) for passage in found])
        return found

    async def _search(self, search: Search, vectors: Vectors, principal: Principal) -> tuple[Passage, ...]:
        depth = min(DEPTH * search.top_k, MAX_CANDIDATES)
        # The nearest do not wait for the words: each of the two searches has its own way to go.
        matches, (vector, nearest) = await asyncio.gather(
            self._matches(search, depth), self._first_nearest(search, vectors, depth)
        )
        all_matches = len(matches) < depth
        while True:
            candidates = fuse(nearest, matches, all_matches=all_matches)
            found = await self._existing(candidates, search, principal)
            # Vectors of deleted texts stay for a while: too many of them must not hide what exists.
            full = len(nearest) == depth < MAX_CANDIDATES and nearest[-1][1] >= least_cosine(search.relevance)
            if len(found) >= search.top_k or not full:
                return found
            depth = min(4 * depth, MAX_CANDIDATES)
            nearest = await self._nearest(search, vector, depth)

    async def _first_nearest(
        self, search: Search, vectors: Vectors, depth: int
    ) -> tuple[Sequence[float], list[tuple[UUID, float]]]:
        vector = await self._vector(search.query, vectors)
        return vector, await self._nearest(search, vector, depth)

    async def _nearest(self, search: Search, vector: Sequence[float], depth: int) -> list[tuple[UUID, float]]:
        with STAGE_SECONDS.labels("vectors").time():
            return await self.index.search(vector, collections=tuple(search.knowledge), top_k=depth)

    async def _matches(self, search: Search, depth: int) -> list[Match]:
        with STAGE_SECONDS.labels("words").time():
            return await self.words.search(search.query, collections=tuple(search.knowledge), top_k=depth)

    async def _vector(self, query: Query, vectors: Vectors) -> Sequence[float]:
        missing = [text for (text, _), vector in zip(query, vectors, strict=True) if vector is None]
        made: dict[str, Sequence[float]] = {}
        if missing:
            with STAGE_SECONDS.labels("embed").time():
                made = dict(zip(missing, await self.embedder.embed(missing), strict=True))
            for text, vector in made.items():
                self.cache.keep_vector(text, vector)
        known = [vector or made[text] for (text, _), vector in zip(query, vectors, strict=True)]
        return blend(known, [share for _, share in query])

    async def _existing(
        self, candidates: Sequence[Candidate], search: Search, principal: Principal
    ) -> tuple[Passage, ...]:
        wanted = search.top_k if self.reranker is None else TO_RERANK * search.top_k
        rest = relevant(candidates, search.relevance)
        reasons = {candidate.chunk_id for candidate in rest if is_relevant(candidate, search.relevance)}
        first = math.ceil(OVERREAD * wanted)
        passages: list[Passage] = []
        found: tuple[Passage, ...] = ()
        # Mostly the first read is enough; the second one is of everything else.
        for some in (rest[:first], rest[first:]):
            if some and len(found) < wanted:
                ranking = [(candidate.chunk_id, candidate.score) for candidate in some]
                passages += await self.passages.read(ranking, principal=principal)
                if not reasons.isdisjoint(passage.chunk_id for passage in passages):
                    found = fold_duplicates(passages, top_k=wanted)
        return found

    async def _rerank(self, reranker: Reranker, search: Search, found: tuple[Passage, ...]) -> tuple[Passage, ...]:
        query = search.query[0][0]
        try:
            with STAGE_SECONDS.labels("rerank").time():
                order = await reranker.rerank(query, [passage.text for passage in found], top_k=search.top_k)
        except EloquentError as error:
            # It was in a good order before.
            RERANKED.labels("error").inc()
            log.warning("not reranked", reason=str(error))
            return found
        RERANKED.labels("ok").inc()
        return tuple(found[index].model_copy(update={"score": score}) for index, score in order)


def blend(vectors: Sequence[Sequence[float]], shares: Sequence[float]) -> Sequence[float]:
    """Their sum by shares: its cosine to a passage is that of the shares' mean, whatever its length."""
    if len(vectors) == 1:
        return vectors[0]
    return [sum(map(float.__mul__, numbers, shares)) for numbers in zip(*vectors, strict=True)]
