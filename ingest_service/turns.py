"""Whose turn it is: an owner has so many documents under way, their others wait as rows and are opened one by one."""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import asyncpg
import structlog

from ingest_service.ports import Publish
from libs.contracts.events import DocumentUploaded
from libs.contracts.values import Principal
from libs.db.errors import translated
from libs.errors import TransientError
from libs.telemetry.spans import arrival

log = structlog.get_logger()

UNDER_WAY = "('uploaded', 'parsing', 'chunking', 'embedding')"
UNFINISHED = "('queued', 'uploaded', 'parsing', 'chunking', 'embedding')"

LOCK_TURNS = "SELECT pg_advisory_xact_lock(hashtextextended('documents of ' || $1::uuid, 0))"
"""Held until its commit by whoever decides whether a version begins or waits."""

_OPEN = "SELECT document_id, version, generation, collection FROM open_queued_versions_v1($1, $2)"

# Whoever has its row has begun it, or ends it: then it is known already that it was published.
_PUBLISHED = """
    UPDATE document_versions AS v SET publications = 1
    FROM (
        SELECT document_id, version FROM document_versions
        JOIN unnest($1::uuid[], $2::integer[]) AS said (document_id, version) USING (document_id, version)
        WHERE publications = 0 AND status = 'uploaded'
        FOR UPDATE OF document_versions SKIP LOCKED
    ) AS waiting
    WHERE v.document_id = waiting.document_id AND v.version = waiting.version
"""

_WAITING_OWNERS = f"""
    SELECT DISTINCT uploader_id FROM document_versions AS queued
    WHERE status = 'queued' AND $1 > (
        SELECT count(*) FROM document_versions AS other
        WHERE other.uploader_id = queued.uploader_id AND other.status IN {UNDER_WAY}
    )
    LIMIT $2
"""  # noqa: S608 - nothing but constants


NOTES_MAX = 500
"""Publications that are noted at once, and later ones forgotten while the database is away."""


class Opened(NamedTuple):
    """A version whose turn it is."""

    document_id: UUID
    version: int
    generation: int
    collection: str


def opened(document_id: str, version: int, generation: int, collection: str) -> Opened:
    """As the database says it in JSON."""
    return Opened(UUID(document_id), version, generation, collection)


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
        self._published: deque[tuple[UUID, int]] = deque(maxlen=NOTES_MAX)

    async def open_next(self, owner_id: UUID) -> None:
        """One of the owner's versions has ended: those whose turn it is now are announced.

        Raises:
            TransientError: the database did not answer; the sweep opens them.
        """
        with translated():
            found = await self._pool.fetch(_OPEN, owner_id, self.places)
        await self.announce_all([Opened(**row) for row in found], owner_id=owner_id)

    async def announce_all(self, versions: Sequence[Opened], *, owner_id: UUID) -> None:
        """Announce versions of one owner whose turn it is."""
        # The owner's groups are not stored: nothing that happens from here on asks for them.
        owner = Principal(user_id=owner_id, is_guest=False)
        for one in versions:
            # What has just ended is not what led to it.
            with arrival("begin a queued document", "internal", None):
                await self.announce(DocumentUploaded(**one._asdict(), owner=owner))

    async def try_to_open_next(self, owner_id: UUID) -> None:
        """As `open_next`, for whoever has done their own part already: if it does not work, the sweep will."""
        try:
            await self.open_next(owner_id)
        except TransientError as error:
            log.warning("queued documents wait for the sweep", reason=str(error))

    async def announce(self, event: DocumentUploaded) -> None:
        """Publish a version's event; if it does not work, the sweep does."""
        try:
            await self._publish(event)
        except TransientError as error:
            log.warning("a document waits for the sweep to announce it", reason=str(error))
        else:
            self._published.append((event.document_id, event.version))

    async def note_published(self) -> None:
        """Afterwards the sweep knows what was announced and waits on the stream, which it would announce again.

        Once a second or so for all: of most documents the work has begun by then, which says the same.

        Raises:
            TransientError: the database did not answer; the worst of it is an event that comes twice.
        """
        if not self._published:
            return
        documents, versions = zip(*self._published, strict=True)
        self._published.clear()
        with translated():
            await self._pool.execute(_PUBLISHED, documents, versions)

    async def waiting_owners(self, *, limit: int) -> Sequence[UUID]:
        """Owners with queued versions and free places: somebody died between an end and the next beginning."""
        with translated():
            return [row["uploader_id"] for row in await self._pool.fetch(_WAITING_OWNERS, self.places, limit)]
