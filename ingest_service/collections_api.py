"""`/v1/collections`: people make collections, open them to others, and close or delete them again."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query

from ingest_service.clearing import Clearing
from ingest_service.collection_views import (
    CURSOR_MAX_CHARACTERS,
    Collection,
    CollectionPage,
    CollectionPatch,
    NewCollection,
    collection_of,
    decode_collection_cursor,
    encode_collection_cursor,
)
from ingest_service.collections import Collections
from ingest_service.rights import Roles
from ingest_service.upload_keys import check_key
from libs.auth.http import AUTH_RESPONSES
from libs.contracts.values import Principal
from libs.service.problems import Problem

PAGE_LIMIT = 100

PrincipalOf = Callable[..., Awaitable[Principal]]
Limit = Annotated[int, Query(ge=1, le=PAGE_LIMIT, description="Items on a page")]
Cursor = Annotated[str | None, Query(max_length=CURSOR_MAX_CHARACTERS, description="`next_cursor` of the page before")]


def _problem(description: str) -> dict[str, Any]:
    return {"model": Problem, "description": description}


_COMMON: dict[int | str, dict[str, Any]] = {
    **AUTH_RESPONSES,
    422: _problem("A parameter or the body is wrong; `code` and `errors` say which"),
    503: _problem("The database is away; ask again after `Retry-After`"),
}
_NOT_FOUND: dict[int | str, dict[str, Any]] = {404: _problem("The caller can read no such collection")}
_CHANGED: dict[int | str, dict[str, Any]] = {
    **_NOT_FOUND,
    403: _problem("`forbidden`: the caller may read it, not do this"),
}
_MADE: dict[int | str, dict[str, Any]] = {
    403: _problem("`forbidden`: guests make none, only editors public ones, and one's own groups can be let in"),
    409: _problem("`too_many_collections`"),
    422: _problem("`invalid_request`, `too_many_groups`, `invalid_idempotency_key` or `idempotency_key_reused`"),
}


def collections_router(
    collections: Collections, clearing: Clearing, *, roles: Roles, principal: PrincipalOf
) -> APIRouter:
    """Collections that the caller may read.

    Args:
        collections: the store.
        clearing: what takes away the documents of a deleted collection.
        roles: who has a part.
        principal: the dependency that says who calls, or answers 401.
    """
    router = APIRouter(prefix="/v1/collections", tags=["collections"], responses=_COMMON)
    Caller = Annotated[Principal, Depends(principal)]  # noqa: N806 - a type

    @router.post("", status_code=201, responses=_MADE)
    async def make_collection(
        new: NewCollection,
        caller: Caller,
        idempotency_key: Annotated[str | None, Header(description="The same key again is the same collection")] = None,
    ) -> Collection:
        """Make a collection. Its owner reads it, adds to it and says who else may."""
        check_key(idempotency_key)
        fingerprint = hashlib.sha256(new.model_dump_json().encode()).hexdigest()
        made = await collections.make(caller, new.change(), idempotency_key=idempotency_key, fingerprint=fingerprint)
        return collection_of(made, caller=caller, roles=roles)

    @router.get("")
    async def list_collections(caller: Caller, limit: Limit = 20, cursor: Cursor = None) -> CollectionPage:
        """The collections that the caller may read, and what they may do with each."""
        before = None if cursor is None else decode_collection_cursor(cursor)
        found = await collections.list(caller, before=before, limit=limit + 1)
        return CollectionPage(
            items=[collection_of(one, caller=caller, roles=roles) for one in found[:limit]],
            next_cursor=encode_collection_cursor(found[limit - 1].collection) if len(found) > limit else None,
        )

    @router.get("/{collection_id}", responses=_NOT_FOUND)
    async def read_collection(collection_id: str, caller: Caller) -> Collection:
        """One collection."""
        return collection_of(await collections.read(caller, collection_id), caller=caller, roles=roles)

    @router.patch("/{collection_id}", responses=_CHANGED)
    async def change_collection(collection_id: str, patch: CollectionPatch, caller: Caller) -> Collection:
        """Rename a collection, or change who reads it; who loses the right reads nothing of it from then on.

        Groups that are not named keep what they have.
        """
        changed = await collections.change(caller, collection_id, patch.change())
        return collection_of(changed, caller=caller, roles=roles)

    @router.delete("/{collection_id}", status_code=204, responses=_CHANGED)
    async def delete_collection(collection_id: str, caller: Caller) -> None:
        """Delete a collection with all its documents; from then on nobody reads them and no question finds them."""
        await collections.delete(caller, collection_id)
        await clearing.try_to_clear(collection_id)

    return router
