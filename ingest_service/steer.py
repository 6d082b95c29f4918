"""People cancel documents that are on their way, and retry those that have failed."""

from typing import NamedTuple
from uuid import UUID

import asyncpg

from ingest_service.knowledge import Connection
from ingest_service.readable import READABLE, collection_for, reader_of
from ingest_service.rights import Roles
from ingest_service.turns import LOCK_TURNS, UNDER_WAY, Turns
from libs.contracts.events import DocumentUploaded
from libs.contracts.values import Principal
from libs.db.errors import translated
from libs.errors import RequestError, not_found

CANCELLED = ("cancelled", "This was cancelled. It is kept: retry it, or delete it.")

_LOCK = f"""
    SELECT owner_id, collection, latest_version, status
    FROM documents JOIN document_versions USING (document_id)
    WHERE collection IN ({READABLE}) AND document_id = $4 AND version = latest_version
    FOR UPDATE
"""  # noqa: S608 - nothing but constants

_CANCEL = """
    UPDATE document_versions SET status = 'failed', failure_code = $3, failure_message = $4, updated_at = now()
    WHERE document_id = $1 AND version = $2
"""

_RETRY = f"""
    UPDATE document_versions AS v
    SET generation = generation + 1, publications = 0, failure_code = NULL, failure_message = NULL,
        progress_done = 0, progress_total = 0, stage_at = NULL, updated_at = now(), uploader_id = $3,
        status = CASE WHEN $4 > (
            SELECT count(*) FROM document_versions AS other
            WHERE other.uploader_id = $3 AND other.status IN {UNDER_WAY}
        ) THEN 'uploaded' ELSE 'queued' END
    WHERE document_id = $1 AND version = $2
    RETURNING status, generation
"""  # noqa: S608 - nothing but constants


class _Latest(NamedTuple):
    owner_id: UUID
    collection: str
    latest_version: int
    status: str


class Steering:
    """What becomes of a document's latest version, by those who may delete it.

    Args:
        pool: the database of the rows.
        roles: who may.
        turns: whose turn it is then.
    """

    def __init__(self, pool: asyncpg.Pool, *, roles: Roles, turns: Turns) -> None:
        self._pool = pool
        self._roles = roles
        self.turns = turns

    async def cancel(self, document_id: UUID, principal: Principal) -> None:
        """The latest version ends as failed, with the code `cancelled`, unless it has ended already.

        What was searchable stays so. A worker that is at it stops at its next step.

        Raises:
            RequestError: 404 `document_not_found`, 403 `forbidden`.
        """
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                latest = await self._locked(connection, document_id, principal)
                if latest.status in {"searchable", "failed"}:
                    return
                await connection.execute(_CANCEL, document_id, latest.latest_version, *CANCELLED)
        await self.turns.try_to_open_next(latest.owner_id)

    async def retry(self, document_id: UUID, principal: Principal) -> None:
        """The latest version, which has failed, is indexed again from the bytes that were kept.

        One that is on its way stays so: asking twice is asking once.

        Raises:
            RequestError: 404 `document_not_found`, 403 `forbidden`, 409 `already_searchable`.
        """
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                latest = await self._locked(connection, document_id, principal)
                if latest.status == "searchable":
                    raise RequestError(
                        "This document is searchable: there is nothing to retry.", status=409, code="already_searchable"
                    )
                if latest.status != "failed":
                    return
                await connection.execute(LOCK_TURNS, latest.owner_id)
                key = (document_id, latest.latest_version)
                [row] = await connection.fetch(_RETRY, *key, latest.owner_id, self.turns.places)
        if row["status"] == "uploaded":
            await self.turns.announce(
                DocumentUploaded(
                    document_id=document_id,
                    version=latest.latest_version,
                    owner=Principal(user_id=latest.owner_id, is_guest=False),
                    collection=latest.collection,
                    generation=row["generation"],
                )
            )

    async def _locked(self, connection: Connection, document_id: UUID, principal: Principal) -> _Latest:
        row = await connection.fetchrow(_LOCK, *reader_of(principal), document_id)
        if row is None:
            raise not_found("document")
        collection = await collection_for(connection, principal, row["collection"])
        self._roles.check_deletes(principal, owner_id=row["owner_id"], collection=collection)
        return _Latest(**row)
