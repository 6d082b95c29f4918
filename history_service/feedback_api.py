"""`/v1/sessions/{session_id}/messages/{message_id}/feedback`: whether an answer was good, and why."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from history_service.feedback import PostgresFeedback, Rating
from history_service.messages import PostgresMessages
from history_service.routing import NOT_FOUND, PrincipalOf, Responses, found, meant_session, meant_uuid, router_of
from history_service.text import storable
from history_service.views import Feedback, feedback_of
from libs.contracts.values import Principal
from libs.errors import RequestError, not_found
from libs.service.problems import Problem

REASON_MAX_CHARACTERS = 2_000
"""What `chat_messages.rating_reason` holds."""

_NOT_RATABLE: Responses = {409: {"model": Problem, "description": "It is no answer, or one that has not ended"}}


def _without_blanks(reason: str) -> str | None:
    return storable(reason).strip() or None


class Rate(BaseModel):
    """A thumb, and what its owner has to say."""

    model_config = ConfigDict(extra="forbid")

    rating: Rating
    reason: Annotated[str, Field(max_length=REASON_MAX_CHARACTERS), AfterValidator(_without_blanks)] | None = None


def feedback_router(feedback: PostgresFeedback, messages: PostgresMessages, *, principal: PrincipalOf) -> APIRouter:
    """Feedback.

    Args:
        feedback: the store.
        messages: says which messages there are.
        principal: the dependency that says who calls, or answers 401.
    """
    router = router_of("messages")
    Caller = Annotated[Principal, Depends(principal)]  # noqa: N806 - a type

    @router.put("/{session_id}/messages/{message_id}/feedback", responses={**NOT_FOUND, **_NOT_RATABLE})
    async def rate_answer(session_id: str, message_id: str, rate: Rate, caller: Caller) -> Feedback:
        """Say whether an answer was good; what was said before is replaced."""
        ids = (meant_uuid(message_id, "message"), meant_session(session_id, caller), caller.user_id)
        stored = feedback_of(await feedback.rate(*ids, rating=rate.rating, reason=rate.reason))
        if stored is None:
            found(await messages.read(*ids), "message")
            raise RequestError("Only answers that have ended can be rated.", status=409, code="not_ratable")
        return stored

    @router.delete("/{session_id}/messages/{message_id}/feedback", status_code=204, responses=NOT_FOUND)
    async def unrate_answer(session_id: str, message_id: str, caller: Caller) -> None:
        """Take it back; the message has none afterwards."""
        ids = (meant_uuid(message_id, "message"), meant_session(session_id, caller), caller.user_id)
        if not await feedback.unrate(*ids):
            raise not_found("message")

    return router
