"""What has become of somebody's documents since they looked last."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from ingest_service.documents import READ
from ingest_service.readable import reader_of
from ingest_service.stored import Document
from libs.contracts.values import Principal
from libs.db.errors import translated

_CHANGED = f"""
    {READ} AND owner_id = $1 AND (
        documents.document_id = ANY ($5)
        OR CASE WHEN $4::timestamptz IS NULL THEN status NOT IN ('searchable', 'failed')
           ELSE documents.updated_at > $4 OR document_versions.updated_at > $4 END
    )
    ORDER BY updated_at LIMIT $6
"""


class Changes:
    """The latest versions of all documents, by when they changed."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def since(
        self, principal: Principal, since: datetime | None, *, also: Sequence[UUID], limit: int = 500
    ) -> Sequence[Document]:
        """What the principal uploaded and may read and what has changed since, or has not ended when `since` is None.

        Args:
            principal: whose documents.
            since: a time of the database's.
            also: whether they have changed or not.
            limit: how many at most, those first that changed first.
        """
        with translated():
            rows = await self._pool.fetch(_CHANGED, *reader_of(principal), since, also, limit)
        return [Document(**row) for row in rows]
