"""`/v1/shares`: people show others what an assistant has answered, as it was at a moment."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Header
from pydantic import BaseModel

from history_service.citations import PostgresRights
from history_service.cursors import MessageCursor, ShareCursor
from history_service.ports import TurnStatus
from history_service.routing import (
    NOT_FOUND,
    Cursor,
    Limit,
    PrincipalOf,
    Responses,
    found,
    meant_session,
    meant_uuid,
    router_of,
)
from history_service.sessions import PostgresSessions
from history_service.settings import ShareViewers
from history_service.shares import PostgresShares, ShareRow
from history_service.views import message_of
from libs.contracts.values import Principal, ShownCitation
from libs.errors import RequestError, not_found
from libs.service.problems import Problem

KEY_MAX_CHARACTERS = 128

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key", min_length=1, max_length=KEY_MAX_CHARACTERS, description="The same key, the same link"
    ),
]
_NOT_SHARABLE: Responses = {409: {"model": Problem, "description": "Nothing has been answered, or too many links"}}
_NO_SHARE: Responses = {404: {"model": Problem, "description": "There is no such link, or it was revoked"}}


class Share(BaseModel):
    """A link; whoever has `token` can open what the session was at `created_at`."""

    id: UUID
    session_id: UUID
    token: str
    title: str
    created_at: datetime


class SharePage(BaseModel):
    """Links, latest first; `next_cursor` is null on the last page."""

    items: list[Share]
    next_cursor: str | None


class SharedSession(BaseModel):
    """What a link shows of its session; nothing of who made it."""

    title: str
    shared_at: datetime


class SharedMessage(BaseModel):
    """One utterance; what its citations say is shown by the rights of whoever looks."""

    id: UUID
    role: Literal["user", "assistant"]
    content: str
    created_at: datetime
    status: TurnStatus | None = None
    citations: list[ShownCitation] = []


class SharedMessagePage(BaseModel):
    """Messages, oldest first; `next_cursor` is null on the last page."""

    items: list[SharedMessage]
    next_cursor: str | None


def owned_shares_router(shares: PostgresShares, sessions: PostgresSessions, *, principal: PrincipalOf) -> APIRouter:
    """Links, for those who made them.

    Args:
        shares: the store.
        sessions: says which sessions there are.
        principal: the dependency that says who calls, or answers 401.
    """
    router = router_of("shares", prefix="/v1")
    Caller = Annotated[Principal, Depends(principal)]  # noqa: N806 - a type

    @router.post("/sessions/{session_id}/shares", status_code=201, responses={**NOT_FOUND, **_NOT_SHARABLE})
    async def share_session(session_id: str, caller: Caller, idempotency_key: IdempotencyKey = None) -> Share:
        """Make a link to the session as it is now: what is asked later is not in it."""
        row = await shares.create(meant_session(session_id, caller), caller.user_id, idempotency_key=idempotency_key)
        return _share(found(row, "session"))

    @router.get("/sessions/{session_id}/shares", responses=NOT_FOUND)
    async def list_session_shares(
        session_id: str, caller: Caller, limit: Limit = 20, cursor: Cursor = None
    ) -> SharePage:
        """The links to one session."""
        meant = meant_session(session_id, caller)
        found(await sessions.read(meant, caller.user_id), "session")
        return await _page(caller, meant, limit, cursor)

    @router.get("/shares")
    async def list_shares(caller: Caller, limit: Limit = 20, cursor: Cursor = None) -> SharePage:
        """All links that the caller made."""
        return await _page(caller, None, limit, cursor)

    @router.delete("/sessions/{session_id}/shares/{share_id}", status_code=204, responses=NOT_FOUND)
    async def revoke_share(session_id: str, share_id: str, caller: Caller) -> None:
        """Revoke a link: nobody can open it any more."""
        meant = meant_session(session_id, caller)
        if not await shares.revoke(meant_uuid(share_id, "share"), meant, caller.user_id):
            raise not_found("share")

    async def _page(caller: Principal, session_id: UUID | None, limit: int, cursor: str | None) -> SharePage:
        after = None if cursor is None else ShareCursor.decode(cursor)
        rows = await shares.list(caller.user_id, session_id=session_id, after=after, limit=limit + 1)
        more = len(rows) > limit
        return SharePage(
            items=[_share(row) for row in rows[:limit]],
            next_cursor=rows[limit - 1].cursor.encode() if more else None,
        )

    return router


def shares_router(
    shares: PostgresShares, rights: PostgresRights, *, viewers: ShareViewers, principal: PrincipalOf
) -> APIRouter:
    """Links, for those who were given them.

    Args:
        shares: the store.
        rights: says what of the answers' citations the caller may see.
        viewers: who may open links.
        principal: the dependency that says who calls, or answers 401.
    """
    router = router_of("shares", prefix="/v1/shares")

    async def viewer(caller: Annotated[Principal, Depends(principal)]) -> Principal:
        # Before the token is looked at: whoever may not open links learns nothing about any.
        if caller.is_guest and viewers == "users":
            raise RequestError("Sign in to open what was shared.", status=403, code="forbidden")
        return caller

    Viewer = Annotated[Principal, Depends(viewer)]  # noqa: N806 - a type

    @router.get("/{share_token}", responses=_NO_SHARE)
    async def open_share(share_token: str, viewer: Viewer) -> SharedSession:  # noqa: ARG001 - asked for to be checked
        """What the link shows: a session as it was when it was shared."""
        share = await _opened(share_token)
        return SharedSession(title=share.title, shared_at=share.created_at)

    @router.get("/{share_token}/messages", responses=_NO_SHARE)
    async def list_shared_messages(
        share_token: str, viewer: Viewer, limit: Limit = 50, cursor: Cursor = None
    ) -> SharedMessagePage:
        """The messages, oldest first; a citation of what the caller may not read today is `withheld`."""
        after = 0 if cursor is None else MessageCursor.decode(cursor, order="oldest").position
        rows = await shares.messages(await _opened(share_token), after=after, limit=limit + 1)
        citations = await rights.shown(rows[:limit], viewer)
        shown: list[Any] = [message_of(row, citations).model_dump() for row in rows[:limit]]
        more = len(rows) > limit
        return SharedMessagePage(
            items=[SharedMessage.model_validate(message) for message in shown],
            next_cursor=MessageCursor(rows[limit - 1]["position"], "oldest").encode() if more else None,
        )

    async def _opened(share_token: str) -> ShareRow:
        # What PostgreSQL cannot hold is no token.
        share = await shares.open(share_token) if share_token.isascii() and share_token.isprintable() else None
        if share is None:
            raise not_found("share")
        return share

    return router


def _share(row: ShareRow) -> Share:
    return Share(
        id=row.share_id, session_id=row.session_id, token=row.token, title=row.title, created_at=row.created_at
    )
