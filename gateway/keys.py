"""API keys at the door: history knows them, and is asked again before a second has passed."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from pydantic import BaseModel

from gateway.admission import Admission
from gateway.limits import Recently
from gateway.ports import Verifier
from libs.auth.keys import digest_of, is_key, refuse, require_form
from libs.contracts.values import KeyGrant, Principal
from libs.errors import EloquentError, TransientError

REMEMBER_SECONDS = 0.5
"""From the question on. Not longer, for a revoked key is let in nowhere after a second; and not news of revocations
instead, which may be lost: a key costs history two look-ups a second from each gateway."""
LOOK_UP_SECONDS = 1.0
"""A later answer would be older than we promise."""
MICRO = 1_000_000


class Bill(BaseModel):
    """What the answers to a key's questions used in a month."""

    month: str
    answers: int
    input_tokens: int
    output_tokens: int
    cost_usd: float


class StoredKey(BaseModel):
    """A key as history shows it to its owner."""

    id: UUID
    name: str
    plan: str
    scopes: tuple[str, ...]
    monthly_budget_usd: float | None
    usage: Bill

    def grant(self) -> KeyGrant:
        """What it allows."""
        budget = self.monthly_budget_usd
        return KeyGrant(
            key_id=self.id,
            plan=self.plan,
            scopes=self.scopes,
            budget_micro_usd=None if budget is None else round(budget * MICRO),
            spent_micro_usd=round(self.usage.cost_usd * MICRO),
            month=self.usage.month,
        )


@dataclass(frozen=True, slots=True)
class _Known:
    """What history said of a key; None: it is not valid."""

    principal: Principal | None


class KeyMemory:
    """Whose keys are, remembered for a moment; those who ask for the same one meanwhile wait for one answer.

    Args:
        look_up: asks history; None for a key that is not valid.
        now: seconds of a clock that never goes back.
    """

    def __init__(
        self, look_up: Callable[[str], Awaitable[Principal | None]], *, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._look_up = look_up
        self._now = now
        self._known: Recently[bytes, _Known] = Recently(now=now)
        self._asking: dict[bytes, asyncio.Future[Principal | None]] = {}

    def knows(self, secret: str) -> bool:
        """Whether nobody needs to be asked."""
        return self._known.get(digest_of(secret)) is not None

    async def principal(self, secret: str) -> Principal:
        """As in `libs.auth.keys.Keys`."""
        digest = digest_of(secret)
        known = self._known.get(digest)
        found = known.principal if known is not None else await self._found(digest, secret)
        if found is None:
            refuse()
        return found

    async def _found(self, digest: bytes, secret: str) -> Principal | None:
        while (asking := self._asking.get(digest)) is not None:
            await asyncio.wait([asking])
            # Who asked may have gone away before there was an answer.
            if not asking.cancelled():
                return asking.result()
        asking = self._asking[digest] = asyncio.get_running_loop().create_future()
        begun = self._now()
        try:
            found = await self._ask(secret)
        except EloquentError as error:
            asking.set_exception(error)
            asking.exception()  # if nobody waits, nobody needs to hear of it
            raise
        else:
            asking.set_result(found)
            self._known.put(digest, _Known(found), seconds=REMEMBER_SECONDS - (self._now() - begun))
            return found
        finally:
            asking.cancel()
            del self._asking[digest]

    async def _ask(self, secret: str) -> Principal | None:
        try:
            async with asyncio.timeout(LOOK_UP_SECONDS):
                return await self._look_up(secret)
        except TimeoutError as error:
            raise TransientError("history does not say in time whose a key is") from error


class DoorKeeper:
    """Says who calls, and from where keys are tried.

    Args:
        tokens: says whose token it is.
        keys: says whose key it is.
        admission: counts look-ups of keys for the address they come from: made-up keys must not keep history busy.
    """

    def __init__(self, tokens: Verifier, keys: KeyMemory, admission: Admission) -> None:
        self._tokens = tokens
        self._keys = keys
        self._admission = admission

    async def verify(self, credential: str, *, address: str) -> Principal:
        """Who calls.

        Raises:
            RequestError: 401, or 429 for an address that tries too many keys.
            TransientError: who could say does not answer.
        """
        if not is_key(credential):
            return await self._tokens.verify(credential)
        require_form(credential)
        if not self._keys.knows(credential):
            await self._admission.count_look_up(address)
        return await self._keys.principal(credential)
