"""Citations of stored answers, by what their reader may read at this moment (ADR 0024)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg

from libs.contracts.values import Citation, Place, Principal, ShownCitation
from libs.db.errors import translated

# Ingest's function, in the same database.
_READABLE = "SELECT document_id, current_version FROM readable_documents_v1($1, $2, $3, $4)"


class PostgresRights:
    """What people may read.

    Args:
        pool: connections to the writer: a replica does not know yet what was taken away a moment ago.
    """

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def shown(self, rows: Iterable[Any], principal: Principal) -> dict[UUID, tuple[ShownCitation, ...]]:
        """By message id, the citations of those that have any, as the principal may see them now.

        Args:
            rows: messages as they are stored.
            principal: who reads them.

        Raises:
            TransientError: the database does not answer.
        """
        stored = {row["message_id"]: [Citation.model_validate(one) for one in row["citations"]] for row in rows}
        wanted = {citation.document_id for citations in stored.values() for citation in citations}
        versions: Mapping[UUID, int | None] = {}
        if wanted:
            with translated():
                found = await self._pool.fetch(
                    _READABLE, principal.user_id, principal.is_guest, principal.groups, list(wanted)
                )
            versions = {row["document_id"]: row["current_version"] for row in found}
        return {message_id: _shown(citations, versions) for message_id, citations in stored.items() if citations}


def _shown(citations: Sequence[Citation], versions: Mapping[UUID, int | None]) -> tuple[ShownCitation, ...]:
    return tuple(_as_readable(citation, versions) for citation in citations)


def _as_readable(citation: Citation, versions: Mapping[UUID, int | None]) -> ShownCitation:
    if citation.document_id not in versions:
        return ShownCitation(
            number=citation.number,
            chunk_id=citation.chunk_id,
            document_id=citation.document_id,
            version=citation.version,
            title="",
            media_type="",
            place=Place(),
            quote="",
            availability="withheld",
        )
    # Of a document that one may read, what an earlier version said is no secret: the quote stays, to be checked by.
    is_current = versions[citation.document_id] == citation.version
    return ShownCitation(**dict(citation), availability="available" if is_current else "replaced")
