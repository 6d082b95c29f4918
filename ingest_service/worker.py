"""The worker's door: which event starts what."""

from typing import Protocol

from libs.bus.bus import Bus
from libs.bus.entry import Entry
from libs.contracts.events import DocumentGivenUp, DocumentUploaded

GIVE_UP_PATIENCE_SECONDS = 3600.0
"""It needs nothing but the database; later than that the sweep ends the version."""


class IndexDocument(Protocol):
    """Makes a document version searchable; `last_try` says that nobody will try again."""

    async def __call__(self, event: DocumentUploaded, *, last_try: bool) -> None: ...


class GiveUpDocument(Protocol):
    """Ends a version whose entry was buried."""

    async def __call__(self, event: DocumentGivenUp) -> None: ...


def register(
    bus: Bus, *, index: IndexDocument, give_up: GiveUpDocument, concurrency: int, patience_seconds: float
) -> None:
    """Index what is uploaded, so many documents at once, and end what was given up.

    Args:
        bus: where the events come from.
        index: the use case.
        give_up: its counterpart.
        concurrency: documents at once.
        patience_seconds: trouble that passes is no failure of a document before its event is so old.
    """

    @bus.on(DocumentUploaded, concurrency=concurrency, patience_seconds=patience_seconds)
    async def on_document_uploaded(event: DocumentUploaded, entry: Entry) -> None:
        await index(event, last_try=entry.last_try)

    @bus.on(DocumentGivenUp, concurrency=concurrency, patience_seconds=GIVE_UP_PATIENCE_SECONDS)
    async def on_document_given_up(event: DocumentGivenUp) -> None:
        await give_up(event)
