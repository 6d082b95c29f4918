"""Mistakes that must be found: each is one a service could make."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from history_service.citations import PostgresRights
from libs.contracts.values import PUBLIC_COLLECTION, Citation, Principal, ShownCitation
from retrieval_service.cache import RetrievalCache
from retrieval_service.ports import Search


class KeyWithoutRights(RetrievalCache):
    """Ranks for one person, answers another from it, until what everybody reads changes."""

    def _ranking_key(self, search: Search) -> str:
        shared = {PUBLIC_COLLECTION: search.knowledge.get(PUBLIC_COLLECTION, 0)}
        return super()._ranking_key(search._replace(knowledge=shared))


class KeyWithoutVersions(RetrievalCache):
    """Knows who may read what, and not what has changed there since."""

    def _ranking_key(self, search: Search) -> str:
        return super()._ranking_key(search._replace(knowledge=dict.fromkeys(search.knowledge, 1)))


class RightsOfYesterday(PostgresRights):
    """What a person could see once they go on seeing."""

    def __init__(self, pool: Any) -> None:
        super().__init__(pool)
        self._seen: dict[tuple[UUID, UUID], Sequence[ShownCitation]] = {}

    async def shown(self, rows: Iterable[Any], principal: Principal) -> dict[UUID, tuple[ShownCitation, ...]]:
        now = await super().shown(rows, principal)
        return {
            message_id: tuple(self._seen.setdefault((principal.user_id, message_id), citations))
            for message_id, citations in now.items()
        }


class NoRights(PostgresRights):
    """Shows what was stored."""

    async def shown(self, rows: Iterable[Any], principal: Principal) -> dict[UUID, tuple[ShownCitation, ...]]:
        stored = {row["message_id"]: [Citation.model_validate(one) for one in row["citations"]] for row in rows}
        return {id_: tuple(ShownCitation(**dict(one)) for one in cited) for id_, cited in stored.items()}


LEAKS: dict[str, dict[str, Any]] = {
    "a cache key without rights": {"cache": KeyWithoutRights},
    "a cache key without versions": {"cache": KeyWithoutVersions},
    "history by the rights of the first reading": {"rights": RightsOfYesterday},
    "history without rights": {"rights": NoRights},
}
