"""`/v1/documents`: people add documents, follow them until they are searchable, and delete them."""

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request

from ingest_service.api_parts import (
    COMMON,
    NO_RETRY,
    NOT_FOUND,
    STEERED,
    UPLOAD,
    UPLOAD_BODY,
    WAIT_SECONDS,
    Collection,
    Cursor,
    Limit,
    Name,
    PrincipalOf,
    Wait,
    WantedStatus,
    meant,
)
from ingest_service.documents import Documents
from ingest_service.leftovers import Removal
from ingest_service.receive import received
from ingest_service.rights import Roles
from ingest_service.steer import Steering
from ingest_service.upload import Upload
from ingest_service.views import (
    Deletion,
    Document,
    DocumentPage,
    decode_cursor,
    deletion_of,
    document_of,
    encode_cursor,
)
from ingest_service.watch import until_final
from libs.contracts.values import Principal

UPLOADS_PATH = "/v1/documents"
"""Where bodies are files."""


def documents_router(
    documents: Documents,
    removal: Removal,
    *,
    upload: Upload,
    steering: Steering,
    roles: Roles,
    principal: PrincipalOf,
    upload_dir: Path | None,
    upload_max_bytes: int,
) -> APIRouter:
    """Documents of the collections that the caller may read.

    Args:
        documents: the store.
        removal: what takes away what a deletion leaves.
        upload: the use case.
        steering: cancels and retries.
        roles: who may upload at all.
        principal: the dependency that says who calls, or answers 401.
        upload_dir: where an upload lies until it is complete.
        upload_max_bytes: of a file.
    """
    router = APIRouter(prefix=UPLOADS_PATH, tags=["documents"], responses=COMMON)
    Caller = Annotated[Principal, Depends(principal)]  # noqa: N806 - a type

    @router.post("", status_code=202, responses=UPLOAD, openapi_extra=UPLOAD_BODY)
    async def upload_document(
        request: Request,
        caller: Caller,
        idempotency_key: Annotated[str | None, Header(description="The same key again is the same upload")] = None,
        wait: Wait = None,
    ) -> Document:
        """Take a document in. It is stored when this answers, and searchable when its `status` says so.

        The same name again is a new version of the same document, which replaces the old one as a whole when it is
        searchable. The same bytes under the same name are no work: the answer, also 202, is the document as it is.
        """
        # Before a byte of the body is read: whoever may not upload anywhere costs no disk.
        roles.check_uploads(caller)
        async with received(request, folder=upload_dir, max_bytes=upload_max_bytes) as file:
            document = await upload(file, principal=caller, idempotency_key=idempotency_key)
        if wait is not None:
            document = await until_final(documents, document, caller, seconds=WAIT_SECONDS)
        return document_of(document, caller=caller)

    @router.get("")
    async def list_documents(
        caller: Caller,
        collection: Collection = None,
        status: WantedStatus = None,
        name: Name = None,
        limit: Limit = 20,
        cursor: Cursor = None,
    ) -> DocumentPage:
        """The documents that the caller may read, newest first."""
        before = None if cursor is None else decode_cursor(cursor)
        rows = await documents.list(
            caller, collection=collection, status=status, name=name, before=before, limit=limit + 1
        )
        more = len(rows) > limit
        return DocumentPage(
            items=[document_of(row, caller=caller) for row in rows[:limit]],
            next_cursor=encode_cursor(rows[limit - 1].document_id) if more else None,
        )

    @router.get("/{document_id}", responses=NOT_FOUND)
    async def read_document(document_id: str, caller: Caller, wait: Wait = None) -> Document:
        """One document, and how far it is."""
        document = await documents.read(meant(document_id), caller)
        if wait is not None:
            document = await until_final(documents, document, caller, seconds=WAIT_SECONDS)
        return document_of(document, caller=caller)

    @router.delete("/{document_id}", responses=NOT_FOUND)
    async def delete_document(document_id: str, caller: Caller) -> Deletion:
        """Delete a document with all its versions; from then on no question finds it. The receipt says what went."""
        deleted = await documents.delete(meant(document_id), caller)
        is_clean = await removal.try_to_remove(deleted.leftover)
        await steering.turns.try_to_open_next(deleted.owner_id)
        return deletion_of(deleted, is_clean=is_clean)

    @router.post("/{document_id}/cancel", responses=STEERED)
    async def cancel_document(document_id: str, caller: Caller) -> Document:
        """End the indexing of the latest version: it has failed then, as `cancelled`. One that has ended stays so."""
        await steering.cancel(meant(document_id), caller)
        return document_of(await documents.read(meant(document_id), caller), caller=caller)

    @router.post("/{document_id}/retry", status_code=202, responses=STEERED | NO_RETRY)
    async def retry_document(document_id: str, caller: Caller) -> Document:
        """Index the latest version again, which has failed, was set aside or cancelled; its bytes were kept."""
        await steering.retry(meant(document_id), caller)
        return document_of(await documents.read(meant(document_id), caller), caller=caller)

    return router
