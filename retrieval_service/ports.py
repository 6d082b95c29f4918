"""What retrieval asks of the world."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple, Protocol
from uuid import UUID

from libs.contracts.events import ContextRetrieved, TurnOpened
from libs.contracts.values import Passage, PastMessage, Principal

Retrieve = Callable[[TurnOpened], Awaitable[ContextRetrieved]]
"""The use case with everything it needs."""

Ranking = Sequence[tuple[UUID, float]]
"""Chunk ids with a score, best first."""

Query = tuple[tuple[str, float], ...]
"""What is searched for: texts, each with its share in what is found; the first one is the question or stands for it."""

Condense = Callable[[str, Sequence[PastMessage]], Awaitable[Query]]
"""From a question and the messages before it to what is searched for."""


class Match(NamedTuple):
    """A chunk that has words of the query.

    Attributes:
        score: BM25.
        coverage: the share of the query's weight that its words have, 0 to 1; a rare word weighs more than a usual one.
    """

    chunk_id: UUID
    score: float
    coverage: float


class Relevance(NamedTuple):
    """What one passage at least must reach, or none is given: either of the two is enough (ADR 0026).

    Attributes:
        min_score: cosine similarity, and 0.3 of the coverage of the query's words.
        min_coverage: of the query's words, however far the passage is.
        growth: of `min_score` with each doubling of what is searched (ADR 0011).
        chunks: how many are searched.
    """

    min_score: float
    min_coverage: float
    growth: float = 0.0
    chunks: int = 0


class Knowledge(NamedTuple):
    """What a principal may read.

    Attributes:
        versions: of each collection in which something was ever made searchable.
        chunks: in all of them.
    """

    versions: Mapping[str, int]
    chunks: int


class Search(NamedTuple):
    """All that decides what is found; two equal ones have the same ranking.

    Attributes:
        query: what is searched for.
        knowledge: the collections that may be read, each with the version of what is known in it.
        top_k: how many chunks at most.
        relevance: when nothing is relevant.
    """

    query: Query
    knowledge: Mapping[str, int]
    top_k: int
    relevance: Relevance


class Embedder(Protocol):
    """Turns texts into vectors of length 1."""

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]: ...


class VectorIndex(Protocol):
    """Finds the nearest vectors of some collections, with their cosine similarity."""

    async def search(
        self, vector: Sequence[float], *, collections: Sequence[str], top_k: int
    ) -> list[tuple[UUID, float]]: ...


class WordIndex(Protocol):
    """Finds the chunks of some collections that have words of the query."""

    async def search(self, query: Query, *, collections: Sequence[str], top_k: int) -> list[Match]: ...


class Reranker(Protocol):
    """Reads query and texts together: slower, and better at telling what answers."""

    async def rerank(self, query: str, texts: Sequence[str], *, top_k: int) -> list[tuple[int, float]]: ...


class Passages(Protocol):
    """What is known and a principal may read, as Postgres has it at this moment."""

    async def knowledge(self, principal: Principal) -> Knowledge: ...

    async def read(self, ranking: Ranking, *, principal: Principal) -> tuple[Passage, ...]: ...


class Cache(Protocol):
    """Remembers what was costly; may forget anything at any time, never fails, and nobody waits for it to remember."""

    async def vector(self, text: str) -> Sequence[float] | None: ...

    def keep_vector(self, text: str, vector: Sequence[float]) -> None: ...

    async def ranking(self, search: Search) -> Ranking | None: ...

    def keep_ranking(self, search: Search, ranking: Ranking) -> None: ...
