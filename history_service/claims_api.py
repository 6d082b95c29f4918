"""`POST /v1/sessions/claim`: who has signed in keeps what they asked as a guest."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from history_service.claims import PostgresClaims
from history_service.routing import PrincipalOf, router_of
from libs.auth.http import Verifier
from libs.contracts.values import Principal
from libs.errors import RequestError

TOKEN_MAX_CHARACTERS = 8 * 1024
"""A guest's token has one."""


class Claim(BaseModel):
    """Whose sessions become the caller's."""

    model_config = ConfigDict(extra="forbid")

    guest_token: Annotated[
        str, Field(min_length=1, max_length=TOKEN_MAX_CHARACTERS, description="The guest's OpenID token, still valid")
    ]


class Claimed(BaseModel):
    """What a claim has moved; nothing, when it was done before."""

    sessions: int


def claims_router(claims: PostgresClaims, *, verifier: Verifier, principal: PrincipalOf) -> APIRouter:
    """Claims.

    Args:
        claims: the store.
        verifier: says whose the guest's token is.
        principal: the dependency that says who calls, or answers 401.
    """
    router = router_of("sessions")
    Caller = Annotated[Principal, Depends(principal)]  # noqa: N806 - a type

    @router.post("/claim")
    async def claim_sessions(claim: Claim, caller: Caller) -> Claimed:
        """Move all sessions of a guest to the caller's account, with what is being answered in them.

        Safe to repeat, from several devices at once and in the middle of an answer. The guest's identity stays
        usable; what is asked with it later can be claimed again. Afterwards name the sessions by their UUIDs: an id of
        the client's own means another session to another caller.
        """
        if caller.is_guest:
            raise RequestError("Sign in first: guests have no account.", status=403, code="forbidden")
        guest = await _guest(claim.guest_token)
        return Claimed(sessions=await claims.claim(guest.user_id, caller.user_id))

    async def _guest(token: str) -> Principal:
        try:
            guest = await verifier.verify(token)
        except RequestError as error:
            # Not 401: the caller's own token is fine.
            raise RequestError(
                "The guest's token is not valid: get a new one for the same identity.",
                status=422,
                code="invalid_guest_token",
            ) from error
        if not guest.is_guest:
            raise RequestError("Only a guest's sessions can be claimed.", status=422, code="invalid_guest_token")
        return guest

    return router
