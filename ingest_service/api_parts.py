"""What the routes of documents declare: parameters, problems, the body of an upload."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query

from ingest_service.parsing.sniff import KINDS
from ingest_service.views import CURSOR_MAX_CHARACTERS, Status
from libs.auth.http import AUTH_RESPONSES
from libs.contracts.values import Principal
from libs.errors import not_found
from libs.service.problems import Problem

PAGE_LIMIT = 100
WAIT_SECONDS = 25.0
"""Less than the silence that load balancers and our own forwarding allow."""

PrincipalOf = Callable[..., Awaitable[Principal]]
Limit = Annotated[int, Query(ge=1, le=PAGE_LIMIT, description="Items on a page")]
Cursor = Annotated[str | None, Query(max_length=CURSOR_MAX_CHARACTERS, description="`next_cursor` of the page before")]
Collection = Annotated[str | None, Query(max_length=200, description="Only documents of this collection")]
Name = Annotated[str | None, Query(max_length=255, description="Only documents whose file's name contains this")]
Wait = Annotated[
    Literal["searchable"] | None,
    Query(description="Answer when questions find it or it has failed; after 25 seconds as it is then"),
]
WantedStatus = Annotated[Status | None, Query(alias="status", description="Only documents whose latest version is so")]


def problem(description: str) -> dict[str, Any]:
    """How a route declares a problem."""
    return {"model": Problem, "description": description}


COMMON: dict[int | str, dict[str, Any]] = {
    **AUTH_RESPONSES,
    422: problem("A parameter is wrong; `code` and `errors` say which"),
    503: problem("Something we need is away; ask again after `Retry-After`"),
}
NOT_FOUND: dict[int | str, dict[str, Any]] = {404: problem("The caller can read no such document")}
STEERED: dict[int | str, dict[str, Any]] = {
    **NOT_FOUND,
    403: problem("`forbidden`: the caller may read the document, not decide about it"),
}
NO_RETRY: dict[int | str, dict[str, Any]] = {409: problem("`already_searchable`: there is nothing to retry")}
STORED: dict[int | str, dict[str, Any]] = {
    403: problem("`forbidden`: guests may not upload, and others only where they may write"),
    404: problem("`collection_not_found`: the caller has no such collection"),
    415: problem(
        "By the file's bytes `unsupported_media_type`, `password_needed` for an Office file, or "
        "`media_type_mismatch` when its name says something else; `multipart_expected`"
    ),
    422: problem(
        "`malformed_upload`, `file_missing`, `empty_file`, `file_name_too_long`, `title_too_long`, "
        "`invalid_idempotency_key` or `idempotency_key_reused`"
    ),
}
UPLOAD: dict[int | str, dict[str, Any]] = {**STORED, 413: problem("`document_too_large`")}
UPLOAD_BODY: dict[str, Any] = {
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


def meant(document_id: str) -> UUID:
    """The id in a path.

    Raises:
        RequestError: 404 `document_not_found`: what is no id is no document's.
    """
    try:
        return UUID(document_id)
    except ValueError as error:
        raise not_found("document") from error
