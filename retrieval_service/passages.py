"""The passages as Postgres has them: what is not there does not exist for an answer (ADR 0010)."""

from uuid import UUID

import asyncpg

from libs.contracts.values import Passage, Place, Principal
from libs.db.errors import translated
from retrieval_service.ports import Knowledge, Ranking

# Who asks is part of both statements (ADR 0024).
_READABLE = "SELECT readable.collection FROM readable_collections_v1($1, $2, $3) AS readable"

_KNOWLEDGE = f"""
    SELECT k.collection, k.version,
           (SELECT sum(s.chunks)::bigint FROM lexical_sizes AS s WHERE s.collection = k.collection) AS chunks
    FROM knowledge_versions AS k WHERE k.collection IN ({_READABLE})
"""  # noqa: S608 - nothing but constants

# The rights are part of the query: whatever ids a vector store or a cache gives, nothing else can be read.
_READ = f"""
    SELECT chunk_id, document_id, version, title, media_type, page, heading, start_char, end_char, text,
           place
    FROM searchable_chunks_v1
    WHERE chunk_id = ANY ($4) AND collection IN ({_READABLE})
"""  # noqa: S608 - nothing but constants

_CHECK = "SELECT FROM knowledge_versions LIMIT 1"


class PostgresPassages:
    """Reads ingest's tables through its versioned view.

    Args:
        pool: the caller's to close.
    """

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def knowledge(self, principal: Principal) -> Knowledge:
        """The version of each collection that the principal may read, and how much there is to search.

        Raises:
            TransientError: the database does not answer.
        """
        with translated():
            rows = await self._pool.fetch(_KNOWLEDGE, *_reader(principal))
        versions = {row["collection"]: row["version"] for row in rows}
        return Knowledge(versions, sum(row["chunks"] or 0 for row in rows))

    async def read(self, ranking: Ranking, *, principal: Principal) -> tuple[Passage, ...]:
        """The ranking's passages in its order, without what was deleted or replaced or the principal may not read now.

        Raises:
            TransientError: the database does not answer.
        """
        if not ranking:
            return ()
        with translated():
            rows = await self._pool.fetch(_READ, *_reader(principal), [chunk_id for chunk_id, _ in ranking])
        found: dict[UUID, asyncpg.Record] = {row["chunk_id"]: row for row in rows}
        return tuple(_passage(found[chunk_id], score) for chunk_id, score in ranking if chunk_id in found)

    async def check(self) -> None:
        """Raises when the database does not answer."""
        await self._pool.execute(_CHECK)


def _reader(principal: Principal) -> tuple[UUID, bool, tuple[str, ...]]:
    return principal.user_id, principal.is_guest, principal.groups


def _passage(row: asyncpg.Record, score: float) -> Passage:
    return Passage(
        chunk_id=row["chunk_id"],
        document_id=row["document_id"],
        version=row["version"],
        title=row["title"],
        media_type=row["media_type"],
        place=_place(row),
        text=row["text"],
        score=score,
    )


def _place(row: asyncpg.Record) -> Place:
    more = row["place"] or {}
    return Place(**more, page=row["page"], heading=tuple(row["heading"]), start=row["start_char"], end=row["end_char"])
