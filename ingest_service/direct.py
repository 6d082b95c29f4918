"""Large files go straight to the blob store: a form is given out, the client sends the file with it and confirms."""

import asyncio
import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

import structlog
from uuid_utils.compat import uuid7

from ingest_service.documents import Documents
from ingest_service.granted import Granted, GrantedUploads, Wanted
from ingest_service.ports import Incoming
from ingest_service.receive import Received, too_large
from ingest_service.stored import Document
from ingest_service.upload import Upload, file_name_of, fingerprint_of, title_of
from ingest_service.upload_keys import check_key
from libs.blobs.forms import Form
from libs.contracts.values import Principal
from libs.errors import EloquentError, RequestError

log = structlog.get_logger()

FORM_SECONDS = 3600.0
"""100 MB through a line of 256 kbit/s."""


@dataclass(frozen=True, slots=True)
class DirectUploads:
    """The use cases with what they need; `max_bytes` of a file."""

    documents: Documents
    granted: GrantedUploads
    incoming: Incoming
    upload: Upload
    max_bytes: int

    async def begin(
        self, wanted: Wanted, *, principal: Principal, idempotency_key: str | None
    ) -> tuple[UUID, Form, datetime]:
        """An upload's id, the form to send its file with, and when that expires.

        Args:
            wanted: as the client says; no collection is the caller's own.
            principal: who will own the document.
            idempotency_key: the same one again is the same upload, with a new form.

        Raises:
            RequestError: who is asking may not, has too much under way, or the file is too large.
            TransientError: something did not answer.
        """
        check_key(idempotency_key)
        if wanted.size_bytes > self.max_bytes:
            raise too_large(self.max_bytes)
        checked = Wanted(
            await self.documents.place_for(principal, wanted.collection or None),
            file_name_of(wanted.file_name),
            title_of(wanted.title),
            wanted.size_bytes,
        )
        upload_id, expires_at = await self.granted.allow(
            uuid7(),
            principal.user_id,
            checked,
            idempotency_key=idempotency_key,
            fingerprint=fingerprint_of(*map(str, checked)),
            seconds=FORM_SECONDS,
        )
        form = await self.incoming.form(str(upload_id), size_bytes=wanted.size_bytes, seconds=FORM_SECONDS)
        return upload_id, form, expires_at

    async def complete(self, upload_id: UUID, *, principal: Principal) -> Document:
        """The file that was sent is a document now, as if it had come in one request; asking twice is asking once.

        Raises:
            RequestError: 404 `upload_not_found`, 409 `upload_incomplete`, and all that an upload is refused for.
            TransientError: something did not answer; nothing has changed.
        """
        granted = await self.granted.read(upload_id, principal.user_id)
        if granted.document_id is not None:
            return await self.documents.read(granted.document_id, principal)
        async with self.incoming.incoming(str(upload_id)) as path:
            received = None if path is None else await asyncio.to_thread(_received, granted, path)
            if received is None or received.size_bytes != granted.size_bytes:
                raise RequestError(
                    "Send the file with the form first, as it was announced, then confirm it.",
                    status=409,
                    code="upload_incomplete",
                )
            document = await self.upload(received, principal=principal, idempotency_key=None)
        await self.granted.complete(upload_id, document.document_id)
        await self._try_to_discard(upload_id)
        return document

    async def _try_to_discard(self, upload_id: UUID) -> None:
        try:
            await self.incoming.discard(str(upload_id))
        except EloquentError as error:
            log.warning("a file that was confirmed waits for the collector", reason=str(error))


async def collect(granted: GrantedUploads, incoming: Incoming) -> None:
    """Afterwards nothing is left of uploads whose time has run out, confirmed or not.

    Raises:
        TransientError: something did not answer; a later call collects the rest.
    """
    for upload_id in await granted.expired():
        await incoming.discard(str(upload_id))
        await granted.forget(upload_id)


def _received(granted: Granted, path: Path) -> Received:
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        size = file.tell()
    fields = {"collection": granted.collection, "title": granted.title}
    return Received(path, granted.file_name, size, sha256, fields)
