"""What all routes of the history api share: parameters, problems, and which session is meant."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query

from history_service.cursors import CURSOR_MAX_CHARACTERS
from libs.auth.http import AUTH_RESPONSES
from libs.contracts.ids import session_uuid
from libs.contracts.values import Principal
from libs.errors import not_found
from libs.service.problems import Problem

PAGE_LIMIT = 100

PrincipalOf = Callable[..., Awaitable[Principal]]

Limit = Annotated[int, Query(ge=1, le=PAGE_LIMIT, description="Items on a page")]
Cursor = Annotated[str | None, Query(max_length=CURSOR_MAX_CHARACTERS, description="`next_cursor` of the page before")]

Responses = dict[int | str, dict[str, Any]]

NOT_FOUND: Responses = {
    404: {"model": Problem, "description": "The caller has no such session, or it has no such message"},
}
_COMMON: Responses = {
    **AUTH_RESPONSES,
    422: {"model": Problem, "description": "A parameter or the body is wrong; `errors` says which"},
    503: {"model": Problem, "description": "The database is away; ask again after `Retry-After`"},
}


def router_of(tag: str, *, prefix: str = "/v1/sessions") -> APIRouter:
    """A router whose routes may answer what every route of ours may."""
    return APIRouter(prefix=prefix, tags=[tag], responses=_COMMON)


def meant_session(session_id: str, caller: Principal) -> UUID:
    """The session the caller means.

    Raises:
        RequestError: 404, for what cannot be the id of one.
    """
    try:
        return session_uuid(session_id, caller)
    except ValueError as error:
        raise not_found("session") from error


def meant_uuid(text: str, what: str) -> UUID:
    """The id of a message or the like.

    Raises:
        RequestError: 404, for what cannot be an id.
    """
    try:
        return UUID(text)
    except ValueError as error:
        raise not_found(what) from error


def found(row: Any, what: str) -> Any:
    """The row.

    Raises:
        RequestError: 404, when there is none.
    """
    if row is None:
        raise not_found(what)
    return row
