"""`PUT /v1/sessions/{session_id}/branch`: people go back to what they had asked, or been answered, before."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict

from history_service.branches import PostgresBranches
from history_service.routing import NOT_FOUND, PrincipalOf, found, meant_session, router_of
from libs.contracts.values import Principal


class Show(BaseModel):
    """A message of the branch that is to be shown, such as one of a message's `siblings`."""

    model_config = ConfigDict(extra="forbid")

    message_id: UUID


class Branch(BaseModel):
    """The branch that is shown: its last answer."""

    message_id: UUID


def branches_router(branches: PostgresBranches, *, principal: PrincipalOf) -> APIRouter:
    """Branches.

    Args:
        branches: the store.
        principal: the dependency that says who calls, or answers 401.
    """
    router = router_of("messages")
    Caller = Annotated[Principal, Depends(principal)]  # noqa: N806 - a type

    @router.put("/{session_id}/branch", responses=NOT_FOUND)
    async def show_branch(session_id: str, show: Show, caller: Caller) -> Branch:
        """Show a branch with this message: the session's messages are those on it then.

        Unless the message is shown already, that is the one with the latest answer below it. Nothing else changes: what
        is under way on another branch goes on.
        """
        shown = await branches.show(meant_session(session_id, caller), caller.user_id, show.message_id)
        return Branch(message_id=found(shown, "message"))

    return router
