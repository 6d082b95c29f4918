"""Who is let in: how often a principal and an address may ask, and how many answers a principal may have under way."""

import math
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol
from uuid import UUID

from gateway.rates import Claim, Policy, Standing
from gateway.settings import GatewaySettings
from gateway.turns import Claimed
from libs.contracts.values import Principal, Turn
from libs.errors import RequestError, TransientError

PLACE_RETRY_SECONDS = 5.0
"""An answer takes some seconds: about then one of them has ended."""


class Counted(Protocol):
    """`gateway.rates.Rates`."""

    async def take(self, claims: Sequence[Claim]) -> Standing | None: ...

    async def standing(self, claim: Claim) -> Standing: ...


class Places(Protocol):
    """`gateway.turns.TurnsInProgress`."""

    async def claim(self, turn: Turn, *, most: int) -> Claimed: ...

    async def release(self, user_id: UUID, session_id: UUID, answer_id: UUID) -> None: ...


class RateLimitedError(RequestError):
    """429: too often.

    Args:
        standing: of the claim that was refused.
    """

    def __init__(self, standing: Standing) -> None:
        seconds = max(1, math.ceil(standing.reset_seconds))
        whose = "from your network" if standing.policy.name == ADDRESS else "for you"
        super().__init__(
            f"Too many {standing.policy.name if standing.policy.name == QUESTIONS else 'requests'}: "
            f"{standing.policy.per_minute} a minute are allowed {whose}. Try again in {seconds} "
            f"second{'' if seconds == 1 else 's'}.",
            status=429,
            code="rate_limited",
            retry_after_seconds=float(seconds),
        )
        self.standing = standing


QUESTIONS, REQUESTS, ADDRESS = "questions", "requests", "address"


class Admission:
    """Decides from what all gateways have counted.

    Args:
        rates: how often.
        places: how many at once.
        settings: the limits.
    """

    def __init__(self, rates: Counted, places: Places, settings: GatewaySettings) -> None:
        self._rates = rates
        self._places = places
        self._settings = settings
        self._questions = (
            Policy(QUESTIONS, settings.user_questions_per_minute),
            Policy(QUESTIONS, settings.guest_questions_per_minute),
        )
        self._requests = (
            Policy(REQUESTS, settings.user_requests_per_minute),
            Policy(REQUESTS, settings.guest_requests_per_minute),
        )
        self._address = Policy(ADDRESS, settings.address_requests_per_minute)

    async def claim(self, turn: Turn) -> bool:
        """Take one of the principal's places; False for a question that is under way already: it costs nothing.

        Raises:
            RequestError: 429 `too_many_turns`; nothing was taken.
            TransientError: Redis does not answer.
        """
        most = self._settings.guest_turns if turn.principal.is_guest else self._settings.user_turns
        claimed = await self._places.claim(turn, most=most)
        if claimed == "full":
            raise RequestError(
                f"You have {most} answers under way, and no more at once are allowed. "
                f"Try again in {PLACE_RETRY_SECONDS:.0f} seconds.",
                status=429,
                code="too_many_turns",
                retry_after_seconds=PLACE_RETRY_SECONDS,
            )
        return claimed == "claimed"

    async def count_question(self, principal: Principal, address: str) -> None:
        """One more question.

        Raises:
            RateLimitedError: too often; nothing was counted for the limit that was met.
        """
        await self._count([self.questions_of(principal), Claim(self._address, address)])

    async def count_request(self, principal: Principal | None, address: str) -> list[Claim]:
        """One more request that is no question; what it counted for, the nearest limit first.

        Args:
            principal: None when nobody is signed in.
            address: of the client.

        Raises:
            RateLimitedError: as in `count_question`.
        """
        claims = [Claim(self._address, address)]
        if principal is not None:
            claims.insert(0, Claim(self._requests[principal.is_guest], str(principal.user_id)))
        await self._count(claims)
        return claims

    def questions_of(self, principal: Principal) -> Claim:
        """What a principal's questions count for."""
        return Claim(self._questions[principal.is_guest], str(principal.user_id))

    async def standing(self, claim: Claim) -> Standing:
        """Where a claim stands; nothing is counted."""
        return await self._rates.standing(claim)

    async def release(self, principal: Principal, session_id: UUID, answer_id: UUID) -> None:
        """The turn is over, or was refused."""
        with suppress(TransientError):
            # Whoever needs the place will find it free.
            await self._places.release(principal.user_id, session_id, answer_id)

    async def _count(self, claims: list[Claim]) -> None:
        refused = await self._rates.take(claims)
        if refused is not None:
            raise RateLimitedError(refused)
