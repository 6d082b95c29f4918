"""`/v1/documents/uploads`: a form for a large file, and its confirmation."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Request, Response
from pydantic import BaseModel, Field

from ingest_service.api_parts import COMMON, STORED, UPLOAD, WAIT_SECONDS, PrincipalOf, Wait, problem
from ingest_service.direct import DirectUploads
from ingest_service.documents import Documents
from ingest_service.granted import Wanted
from ingest_service.ports import Forms
from ingest_service.receive import received
from ingest_service.rights import Roles
from ingest_service.views import Document, document_of
from ingest_service.watch import until_final
from libs.blobs.forms import INCOMING
from libs.contracts.values import Principal
from libs.errors import RequestError, not_found

DIRECT_PATH = "/v1/documents/uploads"
FORM_PATH = f"{DIRECT_PATH}/form"
"""Where the local blob store takes files, as S3 does at its own address."""

_BEGUN: dict[int | str, dict[str, Any]] = {
    **{status: UPLOAD[status] for status in (403, 404, 413)},
    422: problem(
        "`file_missing` (a name is), `file_name_too_long`, `title_too_long`, `invalid_idempotency_key` or "
        "`idempotency_key_reused`"
    ),
    429: problem("`too_many_uploads`: complete some, or ask again after `Retry-After`"),
}
_COMPLETED: dict[int | str, dict[str, Any]] = {
    **STORED,
    404: problem("`upload_not_found`; or `collection_not_found`, when the right to it went"),
    409: problem("`upload_incomplete`: the file was not sent"),
}
_FORM: dict[int | str, dict[str, Any]] = {
    **{status: UPLOAD[status] for status in (413, 415, 422)},
    403: problem("`form_refused`"),
}
_FORM_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["key", "policy", "file"],
                    "properties": {
                        "key": {"type": "string"},
                        "policy": {"type": "string"},
                        "file": {"type": "string", "format": "binary", "description": "After all other fields"},
                    },
                    "additionalProperties": {"type": "string"},
                }
            }
        },
    }
}


class NewUpload(BaseModel):
    """A file that is to be sent."""

    file_name: str = Field(min_length=1, max_length=1000)
    size_bytes: int = Field(ge=1, le=2**53, description="Exactly; a file of another size is not taken")
    collection: str | None = Field(None, max_length=200, description="Its id; the caller's own without it")
    title: str = Field("", max_length=1000, description="Instead of the content's own")


class BegunUpload(BaseModel):
    """How to send the file: `fields` and then the part `file`, as `multipart/form-data`, by POST to `url`."""

    id: UUID
    url: str = Field(description="May be relative to this API's address")
    fields: dict[str, str] = Field(description="As they are; they hold the signature, and no token need be sent")
    expires_at: datetime


def direct_router(direct: DirectUploads, documents: Documents, *, roles: Roles, principal: PrincipalOf) -> APIRouter:
    """Uploads in two steps; to be included before the routes of single documents, whose id `uploads` is not.

    Args:
        direct: the use cases.
        documents: the store.
        roles: who may upload at all.
        principal: the dependency that says who calls, or answers 401.
    """
    router = APIRouter(prefix=DIRECT_PATH, tags=["documents"], responses=COMMON)
    Caller = Annotated[Principal, Depends(principal)]  # noqa: N806 - a type

    @router.post("", status_code=201, responses=_BEGUN)
    async def begin_upload(
        wanted: NewUpload,
        caller: Caller,
        idempotency_key: Annotated[str | None, Header(description="The same key again is the same upload")] = None,
    ) -> BegunUpload:
        """Ask for a form with which a large file goes straight to where files are kept; then send it, then complete.

        What is not completed is forgotten some minutes after the form has expired.
        """
        roles.check_uploads(caller)
        upload_id, form, expires_at = await direct.begin(
            Wanted(wanted.collection or "", wanted.file_name, wanted.title, wanted.size_bytes),
            principal=caller,
            idempotency_key=idempotency_key,
        )
        return BegunUpload(id=upload_id, url=form.url, fields=dict(form.fields), expires_at=expires_at)

    @router.post("/{upload_id}/complete", status_code=202, responses=_COMPLETED)
    async def complete_upload(upload_id: str, caller: Caller, wait: Wait = None) -> Document:
        """Take in the file that was sent, as `POST /v1/documents` would have; asking twice is asking once."""
        document = await direct.complete(_meant(upload_id), principal=caller)
        if wait is not None:
            document = await until_final(documents, document, caller, seconds=WAIT_SECONDS)
        return document_of(document, caller=caller)

    return router


def form_router(forms: Forms, *, upload_dir: Path | None, upload_max_bytes: int) -> APIRouter:
    """What S3 does at its own address, for a folder: takes a file that comes with a form; the form is the right to it.

    Args:
        forms: knows its own, and keeps the files.
        upload_dir: where a file lies until it is complete.
        upload_max_bytes: of a file.
    """

    async def admit(fields: Mapping[str, str]) -> int:
        return (await forms.admitted(fields)).size_bytes

    router = APIRouter(tags=["documents"], responses={503: COMMON[503]})

    @router.post(FORM_PATH, status_code=204, responses=_FORM, openapi_extra=_FORM_BODY)
    async def send_file(request: Request) -> Response:
        """Send a file with a form of `POST /v1/documents/uploads`, when that names this address."""
        async with received(request, folder=upload_dir, max_bytes=upload_max_bytes, admit=admit) as file:
            policy = await forms.admitted(file.fields)
            if file.size_bytes != policy.size_bytes:
                raise RequestError("The file is not as long as the form says.", status=422, code="malformed_upload")
            await forms.keep(policy.key.removeprefix(INCOMING), file.content)
        return Response(status_code=204)

    return router


def _meant(upload_id: str) -> UUID:
    try:
        return UUID(upload_id)
    except ValueError as error:
        raise not_found("upload") from error
