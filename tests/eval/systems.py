"""What is compared: ours as it is delivered, its two halves alone, and BM25 as others have it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

import asyncpg
import bm25s
import numpy as np
import Stemmer

from libs.contracts.events import TurnOpened
from libs.contracts.values import PastMessage
from libs.llm.embeddings import OpenAIEmbedder
from libs.vectors.pgvector import PgVectorStore
from retrieval_service.condense import fading
from retrieval_service.fusion import evidence, fuse
from retrieval_service.lexical import PostgresWords
from retrieval_service.passages import PostgresPassages
from retrieval_service.ports import Query, Ranking, Relevance, Search
from retrieval_service.retrieve import retrieve
from retrieval_service.search import DEPTH as SEARCHED
from retrieval_service.search import Finder, blend
from retrieval_service.settings import RetrievalSettings
from tests.builders import an_opened_turn
from tests.eval.data import Document, Question
from tests.eval.loading import COLLECTION

CHUNKS = 24
"""Asked for, so that ten documents come of them: several chunks may be of one."""

DEPTH = SEARCHED * CHUNKS
"""Of a search that is looked at alone: as deep as it is when it is joined."""

DELIVERED = SEARCHED * RetrievalSettings().top_k
"""Of a search as it is delivered."""

Rank = Callable[[Question], Awaitable[Sequence[str]]]
"""A question's documents, best first."""


class Evidence(NamedTuple):
    """What speaks for a question's being answerable at all: the best of any chunk.

    Attributes:
        score: what `min_score` is the least of.
        coverage: of the query's words.
    """

    score: float
    coverage: float


class NoCache:
    """Every question is asked for the first time; what has been embedded is known."""

    def __init__(self) -> None:
        self._vectors: dict[str, Sequence[float]] = {}

    async def vector(self, text: str) -> Sequence[float] | None:
        return self._vectors.get(text)

    def keep_vector(self, text: str, vector: Sequence[float]) -> None:
        self._vectors[text] = vector

    async def ranking(self, search: Search) -> Ranking | None:
        return None

    def keep_ranking(self, search: Search, ranking: Ranking) -> None:
        """Not kept."""


class Ours:
    """The use case over what was loaded.

    Args:
        owners: which document each chunk is of.
    """

    def __init__(
        self, pool: asyncpg.Pool, embedder: OpenAIEmbedder, owners: Mapping[UUID, str], relevance: Relevance
    ) -> None:
        self._store = PgVectorStore(pool, dimensions=embedder.dimensions)
        self._words = PostgresWords(pool)
        self._passages = PostgresPassages(pool)
        self._embedder = embedder
        self._owners = owners
        self._relevance = relevance
        self._cache = NoCache()
        self._finder = Finder(embedder, self._store, self._words, self._passages, self._cache)

    async def joined(self, question: Question) -> Sequence[str]:
        """As delivered: with the questions before it."""
        return await self._ranked(question.asked, question.earlier)

    async def joined_raw(self, question: Question) -> Sequence[str]:
        """The question alone, as it was asked."""
        return await self._ranked(question.asked, ())

    async def joined_rewritten(self, question: Question) -> Sequence[str]:
        """What a person made of it."""
        return await self._ranked(question.rewrite or question.asked, ())

    async def dense(self, question: Question) -> Sequence[str]:
        """The nearest vectors alone."""
        vector = await self._vector(await _query(question))
        nearest = await self._store.search(vector, collections=[COLLECTION], top_k=DEPTH)
        return self._documents(chunk_id for chunk_id, _ in nearest)

    async def words(self, question: Question) -> Sequence[str]:
        """Our search for words alone."""
        matches = await self._words.search(await _query(question), collections=[COLLECTION], top_k=DEPTH)
        return self._documents(match.chunk_id for match in matches)

    async def evidence(self, question: Question) -> Evidence:
        """What the relevance thresholds look at, as deep as a search is delivered."""
        query = await _query(question)
        nearest = await self._store.search(await self._vector(query), collections=[COLLECTION], top_k=DELIVERED)
        matches = await self._words.search(query, collections=[COLLECTION], top_k=DELIVERED)
        candidates = fuse(nearest, matches, all_matches=len(matches) < DELIVERED)
        return Evidence(
            max((evidence(candidate) for candidate in candidates), default=-1.0),
            max((candidate.coverage for candidate in candidates), default=0.0),
        )

    async def _ranked(self, asked: str, earlier: Sequence[str]) -> Sequence[str]:
        history = tuple(PastMessage(role="user", text=text) for text in earlier)
        context = await retrieve(
            TurnOpened(turn=an_opened_turn(question=asked).turn, history=history),
            condense=fading,
            finder=self._finder,
            passages=self._passages,
            cache=self._cache,
            top_k=CHUNKS,
            relevance=self._relevance,
        )
        return self._documents(passage.chunk_id for passage in context.passages)

    async def _vector(self, query: Query) -> Sequence[float]:
        known = [await self._cache.vector(text) for text, _ in query]
        missing = [text for (text, _), vector in zip(query, known, strict=True) if vector is None]
        for text, vector in zip(missing, await self._embedder.embed(missing) if missing else (), strict=True):
            self._cache.keep_vector(text, vector)
        vectors = [await self._cache.vector(text) or () for text, _ in query]
        return blend(vectors, [share for _, share in query])

    def _documents(self, chunk_ids: Iterable[UUID]) -> list[str]:
        return list(dict.fromkeys(self._owners[chunk_id] for chunk_id in chunk_ids))


async def _query(question: Question) -> Query:
    return await fading(question.asked, [PastMessage(role="user", text=text) for text in question.earlier])


class Bm25:
    """`bm25s` over whole documents, with its stop words and Snowball's stemmer: what is usual in comparisons."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self._ids = [document.id for document in documents]
        self._stemmer = Stemmer.Stemmer("english")
        self._index = bm25s.BM25()
        self._index.index(self._tokens([f"{d.title}\n{d.text}" for d in documents], ids=True), show_progress=False)

    async def rank(self, question: Question) -> Sequence[str]:
        """By the question as it was asked."""
        [tokens] = self._tokens([question.asked], ids=False)
        if not tokens:
            return ()
        scores = await asyncio.to_thread(self._index.get_scores, tokens)
        order = np.argsort(-scores, kind="stable")[:100]
        return [self._ids[index] for index in order if scores[index] > 0]

    def _tokens(self, texts: list[str], *, ids: bool) -> list[list[str]]:
        tokens: list[list[str]] = bm25s.tokenize(
            texts, stopwords="en", stemmer=self._stemmer, show_progress=False, return_ids=ids
        )
        return tokens
