"""The worker's door: which event starts what."""

from typing import Protocol

from libs.bus.bus import Bus
from libs.bus.entry import Entry
from libs.contracts.events import DocumentUploaded


class IndexDocument(Protocol):
    """Makes a document version searchable; `last_try` says that nobody will try again."""

    async def __call__(self, event: DocumentUploaded, *, last_try: bool) -> None: ...


def register(bus: Bus, *, index: IndexDocument, concurrency: int) -> None:
    """Index what is uploaded, so many documents at once."""

    @bus.on(DocumentUploaded, concurrency=concurrency)
    async def on_document_uploaded(event: DocumentUploaded, entry: Entry) -> None:
        await index(event, last_try=entry.last_try)
