"""`/v1/sessions`: people read and rename their own sessions; anybody else's are not there."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from history_service.branches import PostgresBranches
from history_service.citations import PostgresRights
from history_service.cursors import MessageCursor, Order, SessionCursor
from history_service.messages import PostgresMessages
from history_service.routing import NOT_FOUND, Cursor, Limit, PrincipalOf, found, meant_session, meant_uuid, router_of
from history_service.sessions import PostgresSessions
from history_service.views import Active, Message, MessagePage, Rename, Session, SessionPage, message_of, session_of
from libs.contracts.values import Principal
from libs.errors import RequestError

Deleted = Annotated[bool, Query(description="Instead, the sessions that were deleted and can be restored")]


def sessions_router(sessions: PostgresSessions, *, undo_seconds: float, principal: PrincipalOf) -> APIRouter:
    """Sessions. A session's id is its UUID, or the client's own id of 1 to 64 URL-safe characters.

    Args:
        sessions: the store.
        undo_seconds: how long a deleted session can be restored.
        principal: the dependency that says who calls, or answers 401.
    """
    router = router_of("sessions")
    Caller = Annotated[Principal, Depends(principal)]  # noqa: N806 - a type

    @router.get("")
    async def list_sessions(
        caller: Caller, limit: Limit = 20, cursor: Cursor = None, *, deleted: Deleted = False
    ) -> SessionPage:
        """The caller's sessions, those with the latest turns first.

        A session that gets a new turn while pages are read moves to the front; no page shows one twice otherwise.
        """
        after = None if cursor is None else SessionCursor.decode(cursor)
        within = undo_seconds if deleted else None
        rows = await sessions.list(caller.user_id, after=after, limit=limit + 1, deleted_within_seconds=within)
        more = len(rows) > limit
        return SessionPage(
            items=[session_of(row, undo_seconds=undo_seconds) for row in rows[:limit]],
            next_cursor=rows[limit - 1].cursor.encode() if more else None,
        )

    @router.get("/{session_id}", responses=NOT_FOUND)
    async def read_session(session_id: str, caller: Caller) -> Session:
        """One session."""
        return session_of(found(await sessions.read(meant_session(session_id, caller), caller.user_id), "session"))

    @router.patch("/{session_id}", responses=NOT_FOUND)
    async def rename_session(session_id: str, rename: Rename, caller: Caller) -> Session:
        """Give a session another title; its place in the list stays."""
        row = await sessions.rename(meant_session(session_id, caller), caller.user_id, title=rename.title)
        return session_of(found(row, "session"))

    @router.get("/{session_id}/active", responses=NOT_FOUND)
    async def active_answer(session_id: str, caller: Caller) -> Active:
        """The earliest answer that has not ended of the branch that is shown; 404 `no_active_answer` without one."""
        active = await sessions.active(meant_session(session_id, caller), caller.user_id)
        if active is None:
            # Also for a session that is not the caller's: whoever resumes wants to know about the answer alone.
            raise RequestError("No answer of this session is under way.", status=404, code="no_active_answer")
        return Active.model_validate(active, from_attributes=True)

    return router


def messages_router(
    messages: PostgresMessages, branches: PostgresBranches, rights: PostgresRights, *, principal: PrincipalOf
) -> APIRouter:
    """The messages of a session.

    Args:
        messages: the store.
        branches: says what else there is beside a message.
        rights: says what of the answers' citations the caller may still see.
        principal: the dependency that says who calls, or answers 401.
    """
    router = router_of("messages")
    Caller = Annotated[Principal, Depends(principal)]  # noqa: N806 - a type

    @router.get("/{session_id}/messages", responses=NOT_FOUND)
    async def list_messages(
        session_id: str,
        caller: Caller,
        limit: Limit = 50,
        cursor: Cursor = None,
        order: Annotated[Order, Query(description="Which messages come first")] = "oldest",
    ) -> MessagePage:
        """The session's messages on the branch that is shown: that of the latest question, or what was chosen since."""
        meant = meant_session(session_id, caller)
        after = None if cursor is None else MessageCursor.decode(cursor, order=order)
        rows = found(await messages.list(meant, caller.user_id, order=order, after=after, limit=limit + 1), "session")
        more = len(rows) > limit
        citations = await rights.shown(rows[:limit], caller)
        siblings = await branches.siblings(meant, rows[:limit])
        return MessagePage(
            items=[message_of(row, citations, siblings) for row in rows[:limit]],
            next_cursor=MessageCursor(rows[limit - 1]["position"], order).encode() if more else None,
        )

    @router.get("/{session_id}/messages/{message_id}", responses=NOT_FOUND)
    async def read_message(session_id: str, message_id: str, caller: Caller) -> Message:
        """One message; what the answer was when its stream has expired."""
        wanted, meant = meant_uuid(message_id, "message"), meant_session(session_id, caller)
        row = found(await messages.read(wanted, meant, caller.user_id), "message")
        return message_of(row, await rights.shown([row], caller), await branches.siblings(meant, [row]))

    return router
