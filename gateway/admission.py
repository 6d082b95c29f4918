"""Who is let in: how often a principal and an address may ask, and how many answers a principal may have under way."""

import math
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol
from uuid import UUID

from gateway.plans import QUOTA, RATE, Used
from gateway.rates import Claim, Policy, Standing
from gateway.settings import GatewaySettings
from gateway.turns import Claimed
from libs.clock import utc_now
from libs.contracts.values import KeyGrant, Principal, Turn, month_of
from libs.errors import RequestError, TransientError

PLACE_RETRY_SECONDS = 5.0
"""An answer takes some seconds: about then one of them has ended."""


class Counted(Protocol):
    """`gateway.rates.Rates`."""

    async def take(self, claims: Sequence[Claim]) -> Standing | None: ...

    async def standing(self, claim: Claim) -> Standing: ...


class CountedKeys(Protocol):
    """`gateway.plans.Plans`."""

    async def take(self, key: KeyGrant) -> Used: ...

    async def look(self, key: KeyGrant) -> Used: ...


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
        super().__init__(
            f"{_refusal(standing.policy)} Try again in {seconds} second{'' if seconds == 1 else 's'}.",
            status=429,
            code="rate_limited",
            retry_after_seconds=float(seconds),
        )
        self.standing = standing


QUESTIONS, REQUESTS, ADDRESS = "questions", "requests", "address"


def _refusal(policy: Policy) -> str:
    match policy.name:
        case name if name == RATE:
            return f"Too many requests: this key's plan allows {policy.quota} in {policy.window_seconds} seconds."
        case name if name == QUOTA:
            return f"The quota of this key is used up: {policy.quota} requests."
        case name if name == ADDRESS:
            return f"Too many requests: {policy.quota} a minute are allowed from your network."
        case name:
            what = name if name == QUESTIONS else "requests"
            return f"Too many {what}: {policy.quota} a minute are allowed for you."


class Admission:
    """Decides from what all gateways have counted.

    Args:
        rates: how often.
        places: how many at once.
        keys: how often those with keys.
        settings: the limits.
    """

    def __init__(self, rates: Counted, places: Places, keys: CountedKeys, settings: GatewaySettings) -> None:
        self._rates = rates
        self._places = places
        self._keys = keys
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
        """One more question; with a key, one that its budget has something left for.

        Raises:
            RateLimitedError: too often; nothing was counted for the limit that was met.
            RequestError: 402 `budget_exceeded`.
        """
        if principal.key is not None:
            _require_budget(principal.key)
            await self._count_key(principal.key)
            return
        await self._count([self._questions_of(principal), Claim(self._address, address)])

    async def count_request(self, principal: Principal | None, address: str) -> None:
        """One more request that is no question.

        Args:
            principal: None when nobody is signed in.
            address: of the client.

        Raises:
            RateLimitedError: as in `count_question`.
        """
        if principal is not None and principal.key is not None:
            await self._count_key(principal.key)
            return
        await self._count(self._request_claims(principal, address))

    async def count_look_up(self, address: str) -> None:
        """History is to be asked whose a key is, at the cost of the address from which it is tried.

        Raises:
            RateLimitedError: as in `count_question`.
        """
        await self._count([Claim(self._address, address)])

    async def told(self, principal: Principal | None, address: str) -> tuple[list[Policy], list[Standing]]:
        """What requests count for, the nearest limit first, and where the caller stands; nothing is counted."""
        if principal is not None and principal.key is not None:
            standings = list((await self._keys.look(principal.key)).standings)
            return [standing.policy for standing in standings], standings
        claims = self._request_claims(principal, address)
        return [claim.policy for claim in claims], [await self._rates.standing(claims[0])]

    async def standing_of(self, principal: Principal) -> Standing:
        """How many more questions are allowed; nothing is counted."""
        if principal.key is not None:
            return (await self._keys.look(principal.key)).nearest
        return await self._rates.standing(self._questions_of(principal))

    def _questions_of(self, principal: Principal) -> Claim:
        return Claim(self._questions[principal.is_guest], str(principal.user_id))

    def _request_claims(self, principal: Principal | None, address: str) -> list[Claim]:
        claims = [Claim(self._address, address)]
        if principal is not None:
            claims.insert(0, Claim(self._requests[principal.is_guest], str(principal.user_id)))
        return claims

    async def release(self, principal: Principal, session_id: UUID, answer_id: UUID) -> None:
        """The turn is over, or was refused."""
        with suppress(TransientError):
            # Whoever needs the place will find it free.
            await self._places.release(principal.user_id, session_id, answer_id)

    async def _count_key(self, key: KeyGrant) -> None:
        used = await self._keys.take(key)
        if not used.allowed:
            raise RateLimitedError(used.refusing)

    async def _count(self, claims: list[Claim]) -> None:
        refused = await self._rates.take(claims)
        if refused is not None:
            raise RateLimitedError(refused)


def _require_budget(key: KeyGrant) -> None:
    # What is known here may be late by what is being answered: who writes the answer looks again (ADR 30).
    budget = key.budget_micro_usd
    if budget is not None and key.spent_in(month_of(utc_now())) >= budget:
        raise RequestError("The budget of this API key is used up for this month.", status=402, code="budget_exceeded")
