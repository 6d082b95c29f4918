"""Uploads that were allowed to go straight to the blob store, in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

from ingest_service.upload_keys import key_reused
from libs.db.errors import translated
from libs.errors import RequestError, not_found

WAITING_MAX = 50
"""Of one owner at once: each may take the space of the largest document until it is confirmed or forgotten."""
GRACE_SECONDS = 600.0
"""A file whose form expires while it is being sent still arrives."""

# The same request again is the same upload, and its new form begins a new time.
_AGAIN = """
    UPDATE uploads SET expires_at = now() + make_interval(secs => $3)
    WHERE owner_id = $1 AND idempotency_key = $2
    RETURNING upload_id, fingerprint, expires_at
"""

_ALLOW = """
    INSERT INTO uploads (
        upload_id, owner_id, collection, file_name, title, size_bytes, idempotency_key, fingerprint, expires_at
    )
    SELECT $1, $2, $3, $4, $5, $6, $7, $8, now() + make_interval(secs => $9)
    WHERE $10 > (
        SELECT count(*) FROM uploads WHERE owner_id = $2 AND document_id IS NULL AND expires_at > now()
    )
    ON CONFLICT (owner_id, idempotency_key) DO NOTHING
    RETURNING upload_id, fingerprint, expires_at
"""

_READ = """
    SELECT upload_id, owner_id, collection, file_name, title, size_bytes, document_id
    FROM uploads WHERE upload_id = $1 AND owner_id = $2
"""

_COMPLETE = "UPDATE uploads SET document_id = $2 WHERE upload_id = $1"

_EXPIRED = """
    SELECT upload_id FROM uploads WHERE expires_at < now() - make_interval(secs => $1) ORDER BY expires_at LIMIT 200
"""

_FORGET = "DELETE FROM uploads WHERE upload_id = $1"


class Wanted(NamedTuple):
    """What somebody wants to send."""

    collection: str
    file_name: str
    title: str
    size_bytes: int


class Granted(NamedTuple):
    """An upload that was allowed; `document_id` is what it became."""

    upload_id: UUID
    owner_id: UUID
    collection: str
    file_name: str
    title: str
    size_bytes: int
    document_id: UUID | None


class GrantedUploads:
    """The uploads of everyone; somebody else's is not there.

    Args:
        pool: the database of the rows.
    """

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def allow(
        self,
        upload_id: UUID,
        owner_id: UUID,
        wanted: Wanted,
        *,
        idempotency_key: str | None,
        fingerprint: str,
        seconds: float,
    ) -> tuple[UUID, datetime]:
        """The upload's id and when its form expires; those of the same request before, when there was one.

        Args:
            upload_id: of a new one.
            owner_id: who may confirm it.
            wanted: what it is.
            idempotency_key: the client's.
            fingerprint: of what came with it.
            seconds: from now on.

        Raises:
            RequestError: 422 `idempotency_key_reused`, 429 `too_many_uploads`.
            TransientError: the database did not answer.
        """
        again = (owner_id, idempotency_key, seconds)
        with translated():
            row = None if idempotency_key is None else await self._pool.fetchrow(_AGAIN, *again)
            if row is None:
                row = await self._pool.fetchrow(
                    _ALLOW, upload_id, owner_id, *wanted, idempotency_key, fingerprint, seconds, WAITING_MAX
                )
            if row is None and idempotency_key is not None:
                # Another request with the same key was quicker.
                row = await self._pool.fetchrow(_AGAIN, *again)
        if row is None:
            raise RequestError(
                f"You have {WAITING_MAX} uploads that are not complete: complete them, or wait until they expire.",
                status=429,
                code="too_many_uploads",
                retry_after_seconds=60.0,
            )
        if row["fingerprint"] != fingerprint:
            raise key_reused()
        return row["upload_id"], row["expires_at"]

    async def read(self, upload_id: UUID, owner_id: UUID) -> Granted:
        """One of the owner's.

        Raises:
            RequestError: 404 `upload_not_found`.
            TransientError: the database did not answer.
        """
        with translated():
            row = await self._pool.fetchrow(_READ, upload_id, owner_id)
        if row is None:
            raise not_found("upload")
        return Granted(*row)

    async def complete(self, upload_id: UUID, document_id: UUID) -> None:
        """The upload has become this document."""
        with translated():
            await self._pool.execute(_COMPLETE, upload_id, document_id)

    async def expired(self) -> Sequence[UUID]:
        """Those whose files nobody can send any more."""
        with translated():
            return [row["upload_id"] for row in await self._pool.fetch(_EXPIRED, GRACE_SECONDS)]

    async def forget(self, upload_id: UUID) -> None:
        """Afterwards there is no such upload."""
        with translated():
            await self._pool.execute(_FORGET, upload_id)
