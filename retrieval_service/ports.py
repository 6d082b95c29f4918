"""What retrieval asks of the world."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple, Protocol
from uuid import UUID

from libs.contracts.events import ContextRetrieved, TurnOpened
from libs.contracts.values import Passage, Principal

Retrieve = Callable[[TurnOpened], Awaitable[ContextRetrieved]]
"""The use case with everything it needs."""

Ranking = Sequence[tuple[UUID, float]]
"""Chunk ids with their cosine similarity to the query, best first."""


class Search(NamedTuple):
    """All that decides what is found; two equal ones have the same ranking.

    Attributes:
        query: what is searched for.
        knowledge: the collections that may be read, each with the version of what is known in it.
        top_k: how many passages at most.
        min_score: the least cosine similarity of a passage.
    """

    query: str
    knowledge: Mapping[str, int]
    top_k: int
    min_score: float


class Embedder(Protocol):
    """Turns texts into vectors."""

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]: ...


class VectorIndex(Protocol):
    """Finds the nearest vectors of some collections."""

    async def search(
        self, vector: Sequence[float], *, collections: Sequence[str], top_k: int
    ) -> list[tuple[UUID, float]]: ...


class Passages(Protocol):
    """What is known and a principal may read, as Postgres has it at this moment."""

    async def knowledge(self, principal: Principal) -> dict[str, int]: ...

    async def read(self, ranking: Ranking, *, principal: Principal) -> tuple[Passage, ...]: ...


class Cache(Protocol):
    """Remembers what was costly; may forget anything at any time, never fails, and nobody waits for it to remember."""

    async def vector(self, text: str) -> Sequence[float] | None: ...

    def keep_vector(self, text: str, vector: Sequence[float]) -> None: ...

    async def ranking(self, search: Search) -> Ranking | None: ...

    def keep_ranking(self, search: Search, ranking: Ranking) -> None: ...
