"""`GET /v1/sessions/export` and `GET /v1/sessions/{session_id}/export`: people take with them what is theirs."""

from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from starlette.responses import StreamingResponse

from history_service.export import MEDIA_TYPES, Export, Format, archive_name
from history_service.routing import NOT_FOUND, PrincipalOf, Responses, found, meant_session, router_of
from history_service.sessions import PostgresSessions
from libs.contracts.values import Principal

Form = Annotated[Format, Query(alias="format", description="Markdown for people, JSON for programs")]

_FILE: Responses = {
    200: {
        "description": "The file, as it is written; one that breaks off is not whole",
        "content": {
            "application/json": {"schema": {"type": "object"}},
            "text/markdown": {"schema": {"type": "string"}},
        },
    }
}


class _File(StreamingResponse):
    # Said per route: a file is of one of two types.
    media_type = None


def export_router(export: Export, sessions: PostgresSessions, *, principal: PrincipalOf) -> APIRouter:
    """Exports.

    Args:
        export: writes the files.
        sessions: says which sessions there are.
        principal: the dependency that says who calls, or answers 401.
    """
    router = router_of("sessions")
    Caller = Annotated[Principal, Depends(principal)]  # noqa: N806 - a type
    shown: dict[str, Any] = {"response_class": _File}

    @router.get("/export", responses=_FILE, **shown)
    async def export_everything(caller: Caller, form: Form = "json") -> StreamingResponse:
        """All the caller's sessions with all their messages, in one file.

        In JSON an object with `sessions`, each as `GET /v1/sessions/{id}` shows it and with the `messages` of all its
        branches, of which each says which one it `follows`; in Markdown the branches that are shown.
        """
        return _file(export.everything(caller, form), form)

    @router.get("/{session_id}/export", responses={**_FILE, **NOT_FOUND}, **shown)
    async def export_session(session_id: str, caller: Caller, form: Form = "json") -> StreamingResponse:
        """One session as it is shown: in JSON the session, and `messages` as the list of messages shows them."""
        row = found(await sessions.read(meant_session(session_id, caller), caller.user_id), "session")
        return _file(export.one(row, caller, form), form, row.session_id)

    return router


def _file(pieces: AsyncIterator[str], form: Format, session_id: UUID | None = None) -> StreamingResponse:
    name = f'attachment; filename="{archive_name(form, session_id)}"'
    return StreamingResponse(pieces, media_type=MEDIA_TYPES[form], headers={"content-disposition": name})
