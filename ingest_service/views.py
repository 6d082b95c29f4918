"""Documents as the API shows them."""

import base64
from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from ingest_service.stored import Deleted
from ingest_service.stored import Document as Stored
from libs.contracts.values import Principal
from libs.errors import RequestError

Status = Literal["queued", "uploaded", "parsing", "chunking", "embedding", "searchable", "failed"]
"""How far the latest version is: queued behind others of its owner, or waiting for a worker; the last two are final."""
CURSOR_MAX_CHARACTERS = 64
_UUID_BYTES = 16
_AT_WORK = frozenset({"parsing", "chunking", "embedding"})


class Progress(BaseModel):
    """Chunks embedded so far, of how many that need it; 0 of 0 until they are counted."""

    done: int
    total: int
    seconds_left: float | None = Field(None, description="Until it is searchable; null while nobody can say")


class Failure(BaseModel):
    """Why the latest version cannot be searched; `code` is stable, `message` is for people."""

    code: str
    message: str


class Document(BaseModel):
    """A document with its latest version."""

    id: UUID
    version: int = Field(description="Counts the contents that were uploaded under this name")
    searchable_version: int | None = Field(description="The version that questions find, if any")
    status: Status
    stage: Literal["parsing", "chunking", "embedding"] | None = Field(description="What is being done right now")
    progress: Progress
    title: str = Field(description="As given, or as the content names itself, or from the file's name")
    file_name: str
    collection: str
    mine: bool = Field(description="The caller has added it, and may delete it")
    media_type: str = Field(description="As found in the bytes")
    size_bytes: int
    created_at: datetime
    updated_at: datetime
    failure: Failure | None


Removed = Literal["removed", "being_removed"]
"""Gone, or noted for the collector, which tries until it is gone."""


class DeletedRows(BaseModel):
    """How many rows went."""

    versions: int
    passages: int


class Deletion(BaseModel):
    """The receipt of a deletion. Rows and caches are gone when it is given: no question finds the document any more."""

    id: UUID
    rows: DeletedRows
    vectors: Removed = Field(description="Of every version, in the vector store")
    blobs: Removed = Field(description="The bytes of every version, unless somebody else's document has the same")
    caches: Literal["void"] = Field(description="Rankings made before are asked for no more")


class DocumentPage(BaseModel):
    """Documents, newest first; `next_cursor` is null on the last page."""

    items: list[Document]
    next_cursor: str | None


def document_of(stored: Stored, *, caller: Principal) -> Document:
    """The document as a caller sees it."""
    failure = None
    if stored.failure_code is not None:
        failure = Failure(code=stored.failure_code, message=stored.failure_message or "")
    return Document.model_validate(
        {
            "id": stored.document_id,
            "searchable_version": stored.current_version,
            "mine": stored.owner_id == caller.user_id,
            "stage": stored.status if stored.status in _AT_WORK else None,
            "progress": Progress(
                done=stored.progress_done, total=stored.progress_total, seconds_left=_seconds_left(stored)
            ),
            "failure": failure,
            **{
                name: getattr(stored, name)
                for name in ("version", "status", "title", "file_name", "collection", "media_type", "size_bytes")
            },
            "created_at": stored.created_at,
            "updated_at": stored.updated_at,
        }
    )


def deletion_of(deleted: Deleted, *, is_clean: bool) -> Deletion:
    """The receipt; `is_clean` when the stores have let go of everything already."""
    state: Removed = "removed" if is_clean else "being_removed"
    rows = DeletedRows(versions=deleted.versions, passages=deleted.passages)
    return Deletion(id=deleted.document_id, rows=rows, vectors=state, blobs=state, caches="void")


def _seconds_left(stored: Stored) -> float | None:
    if stored.seconds_left is None:
        return None
    # Between two batches time goes on; but who hears nothing of the next one cannot be nearly there.
    return round(max(stored.seconds_left / 2, stored.seconds_left - stored.still_seconds), 1)


def encode_cursor(last: UUID) -> str:
    """The place after this document."""
    return base64.urlsafe_b64encode(last.bytes).decode().rstrip("=")


def decode_cursor(text: str) -> UUID:
    """What `encode_cursor` was given.

    Raises:
        RequestError: 422 `invalid_cursor`.
    """
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raw = b""
    if len(raw) != _UUID_BYTES:
        raise RequestError(
            "Take `cursor` from `next_cursor` of the page before, or leave it out.", status=422, code="invalid_cursor"
        )
    return UUID(bytes=raw)
