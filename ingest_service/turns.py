"""Whose turn it is: an owner has so many documents under way, their others wait as rows and are opened one by one."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg
import structlog

from ingest_service.ports import Publish
from libs.contracts.events import DocumentUploaded
from libs.contracts.values import Principal
from libs.db.errors import translated
from libs.errors import TransientError

log = structlog.get_logger()

UNDER_WAY = "('uploaded', 'parsing', 'chunking', 'embedding')"
UNFINISHED = "('queued', 'uploaded', 'parsing', 'chunking', 'embedding')"

LOCK_TURNS = "SELECT pg_advisory_xact_lock(hashtextextended('documents of ' || $1::uuid, 0))"
"""Held until its commit by whoever decides whether a version begins or waits."""

_OPEN = "SELECT document_id, version, generation, collection FROM open_queued_versions_v1($1, $2)"

_PUBLISHED = """
    UPDATE document_versions SET publications = publications + 1
    WHERE document_id = $1 AND version = $2
"""

_WAITING_OWNERS = f"""
    SELECT DISTINCT uploader_id FROM document_versions AS queued
    WHERE status = 'queued' AND $1 > (
        SELECT count(*) FROM document_versions AS other
        WHERE other.uploader_id = queued.uploader_id AND other.status IN {UNDER_WAY}
    )
    LIMIT $2
"""  # noqa: S608 - nothing but constants


class Turns:
    """The places of every owner.

    Args:
        pool: the database of the rows.
        publish: puts an event on its stream.
        places: versions of one owner that are under way at once.

    Attributes:
        places: the same.
    """

    def __init__(self, pool: asyncpg.Pool, publish: Publish, *, places: int) -> None:
        self._pool = pool
        self._publish = publish
        self.places = places

    async def open_next(self, owner_id: UUID) -> None:
        """One of the owner's versions has ended: those whose turn it is now are announced.

        Raises:
            TransientError: the database did not answer; the sweep opens them.
        """
        with translated():
            opened = await self._pool.fetch(_OPEN, owner_id, self.places)
        # The owner's groups are not stored: nothing that happens from here on asks for them.
        owner = Principal(user_id=owner_id, is_guest=False)
        for row in opened:
            await self.announce(DocumentUploaded(**row, owner=owner))

    async def try_to_open_next(self, owner_id: UUID) -> None:
        """As `open_next`, for whoever has done their own part already: if it does not work, the sweep will."""
        try:
            await self.open_next(owner_id)
        except TransientError as error:
            log.warning("queued documents wait for the sweep", reason=str(error))

    async def announce(self, event: DocumentUploaded) -> None:
        """Publish a version's event and note that; if it does not work, the sweep publishes it."""
        try:
            await self._publish(event)
            with translated():
                await self._pool.execute(_PUBLISHED, event.document_id, event.version)
        except TransientError as error:
            log.warning("a document waits for the sweep to announce it", reason=str(error))

    async def waiting_owners(self, *, limit: int) -> Sequence[UUID]:
        """Owners with queued versions and free places: somebody died between an end and the next beginning."""
        with translated():
            return [row["uploader_id"] for row in await self._pool.fetch(_WAITING_OWNERS, self.places, limit)]
