"""`GET /v1/sessions/search`: people find what was said in their own sessions."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from history_service.cursors import HitCursor
from history_service.routing import Cursor, Limit, PrincipalOf, router_of
from history_service.search import Hit, PostgresSearch
from history_service.text import folded
from libs.contracts.values import Principal

QUERY_MAX_CHARACTERS = 200
"""A search box holds no more; a query's cost grows with its words."""


class Mark(BaseModel):
    """A span of `text`, in Unicode characters: the first, and one past the last."""

    start: int
    end: int


class MessageSnippet(BaseModel):
    """Pieces of a message with the words that were found; plain text, joined by ` … `."""

    text: str
    marks: list[Mark]


class FoundMessage(BaseModel):
    """A message that matches, with its session."""

    session_id: UUID
    session_title: str
    message_id: UUID
    role: Literal["user", "assistant"]
    created_at: datetime
    snippet: MessageSnippet


class FoundMessagePage(BaseModel):
    """Messages, latest first; `next_cursor` is null on the last page."""

    items: list[FoundMessage]
    next_cursor: str | None


def search_router(search: PostgresSearch, *, principal: PrincipalOf) -> APIRouter:
    """Search.

    Args:
        search: the store.
        principal: the dependency that says who calls, or answers 401.
    """
    router = router_of("sessions")
    Caller = Annotated[Principal, Depends(principal)]  # noqa: N806 - a type

    @router.get("/search")
    async def search_messages(
        caller: Caller,
        q: Annotated[
            str,
            Query(
                max_length=QUERY_MAX_CHARACTERS, description='Words, "a phrase", `or`, `-not`; nothing finds nothing'
            ),
        ],
        limit: Limit = 20,
        cursor: Cursor = None,
    ) -> FoundMessagePage:
        """The caller's messages that match, questions and answers, latest first."""
        after = None if cursor is None else HitCursor.decode(cursor)
        hits = await search.search(caller.user_id, folded(q), after=after, limit=limit + 1)
        more = len(hits) > limit
        return FoundMessagePage(
            items=[_found_message(hit) for hit in hits[:limit]],
            next_cursor=hits[limit - 1].cursor.encode() if more else None,
        )

    return router


def _found_message(hit: Hit) -> FoundMessage:
    return FoundMessage.model_validate(
        {
            "session_id": hit.session_id,
            "session_title": hit.title,
            "message_id": hit.message_id,
            "role": hit.role,
            "created_at": hit.created_at,
            "snippet": {
                "text": hit.snippet.text,
                "marks": [{"start": start, "end": end} for start, end in hit.snippet.marks],
            },
        }
    )
