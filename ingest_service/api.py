"""`/v1/documents`: people add documents, follow them until they are searchable, and delete them."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request

from ingest_service.documents import Documents
from ingest_service.leftovers import Removal
from ingest_service.parsing.sniff import KINDS
from ingest_service.receive import received
from ingest_service.rights import Roles
from ingest_service.steer import Steering
from ingest_service.upload import Upload
from ingest_service.views import (
    CURSOR_MAX_CHARACTERS,
    Deletion,
    Document,
    DocumentPage,
    Status,
    decode_cursor,
    deletion_of,
    document_of,
    encode_cursor,
)
from libs.auth.http import AUTH_RESPONSES
from libs.contracts.values import Principal
from libs.errors import not_found
from libs.service.problems import Problem

PAGE_LIMIT = 100

PrincipalOf = Callable[..., Awaitable[Principal]]
Limit = Annotated[int, Query(ge=1, le=PAGE_LIMIT, description="Items on a page")]
Cursor = Annotated[str | None, Query(max_length=CURSOR_MAX_CHARACTERS, description="`next_cursor` of the page before")]
Collection = Annotated[str | None, Query(max_length=200, description="Only documents of this collection")]
Name = Annotated[str | None, Query(max_length=255, description="Only documents whose file's name contains this")]
WantedStatus = Annotated[Status | None, Query(alias="status", description="Only documents whose latest version is so")]


def _problem(description: str) -> dict[str, Any]:
    return {"model": Problem, "description": description}


_COMMON: dict[int | str, dict[str, Any]] = {
    **AUTH_RESPONSES,
    422: _problem("A parameter is wrong; `code` and `errors` say which"),
    503: _problem("Something we need is away; ask again after `Retry-After`"),
}
_NOT_FOUND: dict[int | str, dict[str, Any]] = {404: _problem("The caller can read no such document")}
_STEERED: dict[int | str, dict[str, Any]] = {
    **_NOT_FOUND,
    403: _problem("`forbidden`: the caller may read the document, not decide about it"),
}
_NO_RETRY: dict[int | str, dict[str, Any]] = {409: _problem("`already_searchable`: there is nothing to retry")}
_UPLOAD: dict[int | str, dict[str, Any]] = {
    403: _problem("`forbidden`: guests may not upload, and others only where they may write"),
    404: _problem("`collection_not_found`: the caller has no such collection"),
    413: _problem("`document_too_large`"),
    415: _problem(
        "`multipart_expected`; by the file's bytes `unsupported_media_type`, `password_needed` for an Office file, or "
        "`media_type_mismatch` when its name says something else"
    ),
    422: _problem(
        "`malformed_upload`, `file_missing`, `empty_file`, `file_name_too_long`, `title_too_long`, "
        "`invalid_idempotency_key` or `idempotency_key_reused`"
    ),
}
_UPLOAD_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {
                            "type": "string",
                            "format": "binary",
                            "description": f"Of at most 100 MB unless set otherwise: {KINDS}. Its bytes say which.",
                        },
                        "collection": {
                            "type": "string",
                            "description": "Its id, such as `public`; the caller's own without it",
                        },
                        "title": {"type": "string", "maxLength": 300, "description": "Instead of the content's own"},
                    },
                }
            }
        },
    }
}


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
    router = APIRouter(prefix="/v1/documents", tags=["documents"], responses=_COMMON)
    Caller = Annotated[Principal, Depends(principal)]  # noqa: N806 - a type

    @router.post("", status_code=202, responses=_UPLOAD, openapi_extra=_UPLOAD_BODY)
    async def upload_document(
        request: Request,
        caller: Caller,
        idempotency_key: Annotated[str | None, Header(description="The same key again is the same upload")] = None,
    ) -> Document:
        """Take a document in. It is stored when this answers, and searchable when its `status` says so.

        The same name again is a new version of the same document, which replaces the old one as a whole when it is
        searchable. The same bytes under the same name are no work: the answer, also 202, is the document as it is.
        """
        # Before a byte of the body is read: whoever may not upload anywhere costs no disk.
        roles.check_uploads(caller)
        async with received(request, folder=upload_dir, max_bytes=upload_max_bytes) as file:
            return document_of(await upload(file, principal=caller, idempotency_key=idempotency_key))

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
            items=[document_of(row) for row in rows[:limit]],
            next_cursor=encode_cursor(rows[limit - 1].document_id) if more else None,
        )

    @router.get("/{document_id}", responses=_NOT_FOUND)
    async def read_document(document_id: str, caller: Caller) -> Document:
        """One document, and how far it is."""
        return document_of(await documents.read(_meant(document_id), caller))

    @router.delete("/{document_id}", responses=_NOT_FOUND)
    async def delete_document(document_id: str, caller: Caller) -> Deletion:
        """Delete a document with all its versions; from then on no question finds it. The receipt says what went."""
        deleted = await documents.delete(_meant(document_id), caller)
        is_clean = await removal.try_to_remove(deleted.leftover)
        await steering.turns.try_to_open_next(deleted.owner_id)
        return deletion_of(deleted, is_clean=is_clean)

    @router.post("/{document_id}/cancel", responses=_STEERED)
    async def cancel_document(document_id: str, caller: Caller) -> Document:
        """End the indexing of the latest version: it has failed then, as `cancelled`. One that has ended stays so."""
        await steering.cancel(_meant(document_id), caller)
        return document_of(await documents.read(_meant(document_id), caller))

    @router.post("/{document_id}/retry", status_code=202, responses=_STEERED | _NO_RETRY)
    async def retry_document(document_id: str, caller: Caller) -> Document:
        """Index the latest version again, which has failed, was set aside or cancelled; its bytes were kept."""
        await steering.retry(_meant(document_id), caller)
        return document_of(await documents.read(_meant(document_id), caller))

    return router


def _meant(document_id: str) -> UUID:
    try:
        return UUID(document_id)
    except ValueError as error:
        raise not_found("document") from error
