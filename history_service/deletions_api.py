"""`DELETE /v1/sessions/{session_id}` and its undo."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from history_service.deletions import PostgresDeletions
from history_service.routing import NOT_FOUND, PrincipalOf, found, meant_session, router_of
from history_service.sessions import PostgresSessions
from history_service.views import Session, session_of
from libs.contracts.values import Principal
from libs.errors import not_found

ForGood = Annotated[bool, Query(description="Do not keep it for a restore; deletes a deleted session for good, too")]


def deletions_router(deletions: PostgresDeletions, sessions: PostgresSessions, *, principal: PrincipalOf) -> APIRouter:
    """Deleting and restoring.

    Args:
        deletions: the store.
        sessions: says which sessions there are.
        principal: the dependency that says who calls, or answers 401.
    """
    router = router_of("sessions")
    Caller = Annotated[Principal, Depends(principal)]  # noqa: N806 - a type

    @router.delete("/{session_id}", status_code=204, responses=NOT_FOUND)
    async def delete_session(session_id: str, caller: Caller, *, for_good: ForGood = False) -> None:
        """Delete a session with its messages and shares; an answer under way ends as failed.

        For a while it can be restored (`GET /v1/sessions?deleted=true` says until when); then it is gone.
        """
        if not await deletions.delete(meant_session(session_id, caller), caller.user_id, for_good=for_good):
            raise not_found("session")

    @router.post("/{session_id}/restore", responses=NOT_FOUND)
    async def restore_session(session_id: str, caller: Caller) -> Session:
        """Take a deletion back, as long as that is possible; safe to repeat.

        All is as it was, but answers that were under way count as cancelled.
        """
        meant = meant_session(session_id, caller)
        row = await deletions.restore(meant, caller.user_id) or await sessions.read(meant, caller.user_id)
        return session_of(found(row, "session"))

    return router
