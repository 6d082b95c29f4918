"""A document arrives: checked, kept, written down, announced."""

import asyncio
import hashlib
import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from ingest_service.documents import Documents
from ingest_service.metrics import UPLOADS
from ingest_service.parsing.parsed import TITLE_MAX_CHARACTERS, UnreadableError, clean
from ingest_service.parsing.sniff import sniff
from ingest_service.ports import Blobs
from ingest_service.receive import Received
from ingest_service.stored import Document, NewVersion
from ingest_service.turns import Turns
from ingest_service.upload_keys import check_key
from libs.contracts.events import DocumentUploaded
from libs.contracts.values import Principal
from libs.errors import RequestError

FILE_NAME_MAX_BYTES = 255
"""What file systems take."""
_STATUS = {"empty_file": 422}


@dataclass(frozen=True, slots=True)
class Upload:
    """The use case with what it needs."""

    documents: Documents
    blobs: Blobs
    turns: Turns

    async def __call__(self, received: Received, *, principal: Principal, idempotency_key: str | None) -> Document:
        """The document, stored; a new version of it is or will be announced to the worker, in its owner's turn.

        Raises:
            RequestError: who is asking may not, or this is no document we take; nothing has changed.
            TransientError: something did not answer; nothing has changed.
        """
        check_key(idempotency_key)
        collection = await self.documents.place_for(principal, received.fields.get("collection") or None)
        upload = await _checked(received, collection, idempotency_key)
        repeated = await self.documents.recall(principal, upload)
        if repeated is not None:
            UPLOADS.labels("repeated").inc()
            return repeated

        await self.blobs.put(upload.sha256, received.content)
        document, is_new = await self.documents.add(principal, upload)
        if is_new and not await self.blobs.has(upload.sha256):
            # The last document that had the same bytes was deleted between the two.
            await self.blobs.put(upload.sha256, received.content)
        UPLOADS.labels("accepted" if is_new else "unchanged").inc()
        if is_new and document.status == "uploaded":
            await self.turns.announce(
                DocumentUploaded(
                    document_id=document.document_id,
                    version=document.version,
                    owner=principal,
                    collection=document.collection,
                )
            )
        return document


async def _checked(received: Received, collection: str, idempotency_key: str | None) -> NewVersion:
    file_name = file_name_of(received.file_name)
    title = title_of(received.fields.get("title", ""))
    try:
        if isinstance(received.content, bytes):
            # A look at so little takes less than a thread.
            media_type = sniff(received.content, file_name)
        else:
            media_type = await asyncio.to_thread(sniff, received.content, file_name)
    except UnreadableError as error:
        raise _refused(_STATUS.get(error.code, 415), error.code, error.message) from error
    return NewVersion(
        collection=collection,
        file_name=file_name,
        title=title or None,
        fallback_title=_fallback_title(file_name),
        media_type=media_type,
        size_bytes=received.size_bytes,
        sha256=received.sha256,
        idempotency_key=idempotency_key,
        fingerprint=fingerprint_of(collection, file_name, title, received.sha256),
    )


def fingerprint_of(*parts: str) -> str:
    """What an Idempotency-Key stands for."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def title_of(given: str) -> str:
    """The title as it is stored; empty when none was given.

    Raises:
        RequestError: 422 `title_too_long`.
    """
    title = " ".join(clean(given).split())
    if len(title) > TITLE_MAX_CHARACTERS:
        raise _refused(422, "title_too_long", f"A title may have {TITLE_MAX_CHARACTERS} characters.")
    return title


def file_name_of(given: str) -> str:
    """The last part of the path that was given, whichever system it is from.

    Raises:
        RequestError: 422 `file_missing` or `file_name_too_long`.
    """
    name = " ".join(clean(given).replace("\\", "/").rstrip("/").rpartition("/")[2].split())
    if name in {"", ".", ".."}:
        raise _refused(422, "file_missing", "Send the document with a file name.")
    if len(name.encode()) > FILE_NAME_MAX_BYTES:
        raise _refused(422, "file_name_too_long", f"A file name may have {FILE_NAME_MAX_BYTES} bytes.")
    return name


def _fallback_title(file_name: str) -> str:
    stem = " ".join(re.sub(r"[_-]+", " ", PurePosixPath(file_name).stem).split())
    return stem or file_name


def _refused(status: int, code: str, detail: str) -> RequestError:
    return RequestError(detail, status=status, code=code)
