"""In-memory forms of retrieval's ports."""

from collections.abc import Sequence
from uuid import UUID

from libs.contracts.values import PUBLIC_COLLECTION, Passage, Principal, own_collection
from retrieval_service.ports import Knowledge, Match, Query, Ranking, Search


class TwinEmbedder:
    """One vector for every text; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        self.asked += texts
        return [[1.0, 0.0] for _ in texts]


class TwinKnowledge:
    """A vector index and the passages behind it.

    Attributes:
        searches: the `top_k` of every search.
        read_ids: how many ids were read in all.
        copies: how often each passage is counted, to stand for more of them.
    """

    def __init__(self, *passages: tuple[str, Passage]) -> None:
        self._rows = {passage.chunk_id: (collection, passage) for collection, passage in passages}
        self._vectors = {passage.chunk_id: (collection, passage.score) for collection, passage in passages}
        self.versions = dict.fromkeys((collection for collection, _ in passages), 1)
        self.searches: list[int] = []
        self.read_ids = 0
        self.copies = 1

    def forget(self, chunk_id: UUID) -> None:
        """The row goes, its vector stays."""
        del self._rows[chunk_id]

    async def knowledge(self, principal: Principal) -> Knowledge:
        collections = _readable(principal)
        versions = {name: version for name, version in self.versions.items() if name in collections}
        return Knowledge(versions, sum(name in collections for name, _ in self._rows.values()) * self.copies)

    async def search(
        self, vector: Sequence[float], *, collections: Sequence[str], top_k: int
    ) -> list[tuple[UUID, float]]:
        self.searches.append(top_k)
        found = [(chunk_id, score) for chunk_id, (name, score) in self._vectors.items() if name in collections]
        return sorted(found, key=lambda pair: -pair[1])[:top_k]

    async def read(self, ranking: Ranking, *, principal: Principal) -> tuple[Passage, ...]:
        collections = _readable(principal)
        self.read_ids += len(ranking)
        rows = ((self._rows.get(chunk_id), score) for chunk_id, score in ranking)
        return tuple(row[1].model_copy(update={"score": score}) for row, score in rows if row and row[0] in collections)


class TwinWords:
    """A chunk matches with what it was said to match with."""

    def __init__(self, *matches: Match) -> None:
        self._matches = sorted(matches, key=lambda match: -match.score)
        self.asked: list[Query] = []

    async def search(self, query: Query, *, collections: Sequence[str], top_k: int) -> list[Match]:
        self.asked.append(query)
        return self._matches[:top_k]


def _readable(principal: Principal) -> tuple[str, ...]:
    """Nobody here has made a collection."""
    return (PUBLIC_COLLECTION, own_collection(principal.user_id))


class TwinCache:
    """Forgets nothing."""

    def __init__(self) -> None:
        self.vectors: dict[str, Sequence[float]] = {}
        self.rankings: dict[str, Ranking] = {}

    async def vector(self, text: str) -> Sequence[float] | None:
        return self.vectors.get(text)

    def keep_vector(self, text: str, vector: Sequence[float]) -> None:
        self.vectors[text] = vector

    async def ranking(self, search: Search) -> Ranking | None:
        return self.rankings.get(repr(search))

    def keep_ranking(self, search: Search, ranking: Ranking) -> None:
        self.rankings[repr(search)] = ranking
