"""`/v1/sessions`: people read, rename and delete their own sessions; anybody else's are not there."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from history_service.citations import PostgresRights
from history_service.cursors import CURSOR_MAX_CHARACTERS, MessageCursor, Order, SessionCursor
from history_service.messages import PostgresMessages
from history_service.sessions import PostgresSessions, SessionRow
from history_service.views import Active, Message, MessagePage, Rename, Session, SessionPage, message_of
from libs.auth.http import AUTH_RESPONSES
from libs.contracts.ids import session_uuid
from libs.contracts.values import Principal
from libs.errors import RequestError, not_found
from libs.service.problems import Problem

PAGE_LIMIT = 100

PrincipalOf = Callable[..., Awaitable[Principal]]

Limit = Annotated[int, Query(ge=1, le=PAGE_LIMIT, description="Items on a page")]
Cursor = Annotated[str | None, Query(max_length=CURSOR_MAX_CHARACTERS, description="`next_cursor` of the page before")]
_NOT_FOUND: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "The caller has no such session, or it has no such message"},
}
_INVALID: dict[int | str, dict[str, Any]] = {
    422: {"model": Problem, "description": "A parameter or the body is wrong; `errors` says which"},
}
_COMMON: dict[int | str, dict[str, Any]] = {
    **AUTH_RESPONSES,
    503: {"model": Problem, "description": "The database is away; ask again after `Retry-After`"},
}


def sessions_router(sessions: PostgresSessions, *, principal: PrincipalOf) -> APIRouter:
    """Sessions. A session's id is its UUID, or the client's own id of 1 to 64 URL-safe characters.

    Args:
        sessions: the store.
        principal: the dependency that says who calls, or answers 401.
    """
    router = _router("sessions")
    Caller = Annotated[Principal, Depends(principal)]  # noqa: N806 - a type

    @router.get("")
    async def list_sessions(caller: Caller, limit: Limit = 20, cursor: Cursor = None) -> SessionPage:
        """The caller's sessions, those with the latest turns first.

        A session that gets a new turn while pages are read moves to the front; no page shows one twice otherwise.
        """
        after = None if cursor is None else SessionCursor.decode(cursor)
        rows = await sessions.list(caller.user_id, after=after, limit=limit + 1)
        more = len(rows) > limit
        return SessionPage(
            items=[_session(row) for row in rows[:limit]],
            next_cursor=rows[limit - 1].cursor.encode() if more else None,
        )

    @router.get("/{session_id}", responses=_NOT_FOUND)
    async def read_session(session_id: str, caller: Caller) -> Session:
        """One session."""
        return _session(_found(await sessions.read(_meant(session_id, caller), caller.user_id), "session"))

    @router.patch("/{session_id}", responses=_NOT_FOUND)
    async def rename_session(session_id: str, rename: Rename, caller: Caller) -> Session:
        """Give a session another title; its place in the list stays."""
        row = await sessions.rename(_meant(session_id, caller), caller.user_id, title=rename.title)
        return _session(_found(row, "session"))

    @router.delete("/{session_id}", status_code=204, responses=_NOT_FOUND)
    async def delete_session(session_id: str, caller: Caller) -> None:
        """Delete a session with its messages, for good; an answer under way ends as failed."""
        if not await sessions.delete(_meant(session_id, caller), caller.user_id):
            raise not_found("session")

    @router.get("/{session_id}/active", responses=_NOT_FOUND)
    async def active_answer(session_id: str, caller: Caller) -> Active:
        """The earliest answer of the session that has not ended; 404 `no_active_answer` when there is none."""
        active = await sessions.active(_meant(session_id, caller), caller.user_id)
        if active is None:
            # Also for a session that is not the caller's: whoever resumes wants to know about the answer alone.
            raise RequestError("No answer of this session is under way.", status=404, code="no_active_answer")
        return Active.model_validate(active, from_attributes=True)

    return router


def messages_router(messages: PostgresMessages, rights: PostgresRights, *, principal: PrincipalOf) -> APIRouter:
    """The messages of a session.

    Args:
        messages: the store.
        rights: says what of the answers' citations the caller may still see.
        principal: the dependency that says who calls, or answers 401.
    """
    router = _router("messages")
    Caller = Annotated[Principal, Depends(principal)]  # noqa: N806 - a type

    @router.get("/{session_id}/messages", responses=_NOT_FOUND)
    async def list_messages(
        session_id: str,
        caller: Caller,
        limit: Limit = 50,
        cursor: Cursor = None,
        order: Annotated[Order, Query(description="Which messages come first")] = "oldest",
    ) -> MessagePage:
        """The session's messages."""
        after = None if cursor is None else MessageCursor.decode(cursor, order=order)
        rows = _found(
            await messages.list(_meant(session_id, caller), caller.user_id, order=order, after=after, limit=limit + 1),
            "session",
        )
        more = len(rows) > limit
        citations = await rights.shown(rows[:limit], caller)
        return MessagePage(
            items=[message_of(row, citations) for row in rows[:limit]],
            next_cursor=MessageCursor(rows[limit - 1]["position"], order).encode() if more else None,
        )

    @router.get("/{session_id}/messages/{message_id}", responses=_NOT_FOUND)
    async def read_message(session_id: str, message_id: str, caller: Caller) -> Message:
        """One message; what the answer was when its stream has expired."""
        try:
            wanted = UUID(message_id)
        except ValueError as error:
            raise not_found("message") from error
        row = _found(await messages.read(wanted, _meant(session_id, caller), caller.user_id), "message")
        return message_of(row, await rights.shown([row], caller))

    return router


def _router(tag: str) -> APIRouter:
    return APIRouter(prefix="/v1/sessions", tags=[tag], responses={**_COMMON, **_INVALID})


def _meant(session_id: str, caller: Principal) -> UUID:
    try:
        return session_uuid(session_id, caller)
    except ValueError as error:
        raise not_found("session") from error


def _found(row: Any, what: str) -> Any:
    if row is None:
        raise not_found(what)
    return row


def _session(row: SessionRow) -> Session:
    return Session(id=row.session_id, title=row.title, created_at=row.created_at, updated_at=row.updated_at)
