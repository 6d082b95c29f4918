"""Following documents until they have ended: a look now and then, more seldom while nothing happens.

A worker's progress is a row that changes. Looking at the rows works through every restart and failover, costs one
statement a look, and shows exactly what a `GET` would.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Collection
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple
from uuid import UUID

from ingest_service.changes import Changes
from ingest_service.documents import Documents
from ingest_service.stored import FINAL, Document
from libs.contracts.values import Principal
from libs.errors import RequestError

FIRST_PAUSE_SECONDS = 0.1
LAST_PAUSE_SECONDS = 1.0
LATE_COMMIT = timedelta(seconds=5)
"""A row bears the time at which its transaction began: one that took so long is seen all the same."""
_NOT_FOUND = 404


class Seen(NamedTuple):
    """A document as it was seen; None when it is not there any more, or when nothing has changed for a while."""

    kind: Literal["document", "deleted", "nothing"]
    document_id: UUID | None = None
    document: Document | None = None


class Pauses:
    """Between looks: short after a change, growing while there is none."""

    def __init__(self) -> None:
        self._next = FIRST_PAUSE_SECONDS

    async def wait(self, *, changed: bool) -> None:
        """Until the next look."""
        self._next = FIRST_PAUSE_SECONDS if changed else min(1.5 * self._next, LAST_PAUSE_SECONDS)
        await asyncio.sleep(self._next)


async def until_final(documents: Documents, document: Document, principal: Principal, *, seconds: float) -> Document:
    """The document when it is searchable or has failed, or as it is after so many seconds.

    Raises:
        RequestError: 404 `document_not_found`: it was deleted, or the right to read it went.
    """
    pauses = Pauses()
    deadline = time.monotonic() + seconds
    while document.status not in FINAL and time.monotonic() < deadline:
        before = document.updated_at
        await pauses.wait(changed=False)
        document = await documents.read(document.document_id, principal)
        if document.updated_at != before:
            pauses = Pauses()
    return document


async def follow_one(documents: Documents, document: Document, principal: Principal) -> AsyncIterator[Seen]:
    """The document as it is, then each time it has changed, to its end."""
    pauses = Pauses()
    shown = document
    yield Seen("document", document.document_id, document)
    while shown.status not in FINAL:
        await pauses.wait(changed=False)
        try:
            document = await documents.read(shown.document_id, principal)
        except RequestError as error:
            if error.status != _NOT_FOUND:
                raise
            yield Seen("deleted", shown.document_id)
            return
        if (document.updated_at, document.status) != (shown.updated_at, shown.status):
            pauses = Pauses()
            yield Seen("document", document.document_id, document)
        else:
            yield Seen("nothing")
        shown = document


async def follow_all(changes: Changes, principal: Principal, *, since: datetime | None) -> AsyncIterator[Seen]:
    """What the principal uploaded: first all that has not ended, or all that has changed since, then every change.

    Args:
        changes: where they are.
        principal: whose.
        since: the latest change that was seen before; what changed about then comes again.
    """
    pauses = Pauses()
    shown: dict[UUID, Document] = {}
    while True:
        looked_at = datetime.now(UTC)
        under_way = [one.document_id for one in shown.values() if one.status not in FINAL | {"queued"}]
        found = await changes.since(principal, since, also=under_way)
        fresh = [one for one in found if _is_news(one, shown.get(one.document_id))]
        gone = set(under_way) - {one.document_id for one in found}
        for document in fresh:
            shown[document.document_id] = document
            yield Seen("document", document.document_id, document)
        for document_id in gone:
            del shown[document_id]
            yield Seen("deleted", document_id)
        since = max([since or looked_at - LATE_COMMIT, *(one.updated_at - LATE_COMMIT for one in found)])
        _forget(shown, since, {one.document_id for one in found})
        if not fresh and not gone:
            yield Seen("nothing")
        await pauses.wait(changed=bool(fresh or gone))


def _is_news(document: Document, shown: Document | None) -> bool:
    return shown is None or (shown.updated_at, shown.status) != (document.updated_at, document.status)


def _forget(shown: dict[UUID, Document], since: datetime, found: Collection[UUID]) -> None:
    for document_id in [one.document_id for one in shown.values() if one.updated_at < since]:
        if document_id not in found:
            del shown[document_id]
