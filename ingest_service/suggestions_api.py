"""`GET /v1/documents/suggestions`: what one could ask first."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from ingest_service.api_parts import COMMON, PrincipalOf
from ingest_service.suggestions import Suggestions
from libs.contracts.values import Principal

MOST = 10


class SuggestedQuestion(BaseModel):
    """A question that a document has something to say to, in the document's language."""

    question: str
    document_id: UUID
    title: str


class SuggestedQuestions(BaseModel):
    """Questions, those about the newest documents first; empty when there is nothing to ask about."""

    items: list[SuggestedQuestion]


def suggestions_router(suggestions: Suggestions, *, principal: PrincipalOf) -> APIRouter:
    """Suggestions; to be included before the routes of single documents, whose id `suggestions` is not.

    Args:
        suggestions: makes them.
        principal: the dependency that says who calls, or answers 401.
    """
    router = APIRouter(prefix="/v1/documents", tags=["documents"], responses=COMMON)

    @router.get("/suggestions")
    async def suggest_questions(
        caller: Annotated[Principal, Depends(principal)],
        limit: Annotated[int, Query(ge=1, le=MOST, description="How many at most")] = 4,
    ) -> SuggestedQuestions:
        """First questions, made of the headings of documents that the caller may read."""
        found = await suggestions.suggest(caller, limit=limit)
        return SuggestedQuestions(items=[SuggestedQuestion.model_validate(one._asdict()) for one in found])

    return router
