"""Budgets of keys, on Redis: so that all workers together spend no more than there is (ADR 30)."""

import asyncio
from typing import Protocol

import structlog

from libs.answers.attempt import AttemptStopped
from libs.bus.connection import AWAY, Redis, RedisAwayError
from libs.bus.scripts import Script
from libs.clock import Clock, utc_now
from libs.contracts.values import KeyGrant, Turn, month_of

log = structlog.get_logger()

HOLD_MILLISECONDS = 10 * 60_000
"""What a dead attempt has reserved is held for so long, unless another one takes its answer over; longer than an answer
is written."""
LIFE_MILLISECONDS = 32 * 86_400_000
"""A month's account is not asked after its month."""
SETTLE_SECONDS = 2.0
"""An answer that was written does not wait longer for its bill: Postgres gets it with the answer."""

RESERVE = Script("generation_service.lua", "budget", "reserve")
SETTLE = Script("generation_service.lua", "budget", "settle")


class Attempted(Protocol):
    """`libs.answers.attempt.Attempt`, once it has begun."""

    @property
    def epoch(self) -> int: ...


class RedisPurse:
    """The budget of a key, as one attempt at an answer draws on it.

    Args:
        redis: shared by all workers.
        turn: whose answer is written.
        key: that pays.
        attempt: its epoch tells it from others at the same answer.
        clock: which month it is.
        hold_milliseconds: how long a reservation lasts that nobody settles.
    """

    def __init__(
        self,
        redis: Redis,
        turn: Turn,
        key: KeyGrant,
        attempt: Attempted,
        *,
        clock: Clock = utc_now,
        hold_milliseconds: int = HOLD_MILLISECONDS,
    ) -> None:
        self._redis = redis
        self._answer = str(turn.answer_id)
        self._key = key
        self._attempt = attempt
        # Settled where it was reserved, even if the month ends in between.
        self._month = month_of(clock())
        self._hold = hold_milliseconds

    async def reserve(self, micro_usd: int) -> bool:
        """As in the port."""
        budget = self._key.budget_micro_usd
        if budget is None:
            return True
        amounts = (micro_usd, budget, self._key.spent_in(self._month))
        arguments = (self._answer, self._attempt.epoch, *amounts, self._hold, LIFE_MILLISECONDS)
        try:
            reply: int = await RESERVE.run(self._redis, self._keys, arguments)
        except AWAY as error:
            raise RedisAwayError(error) from error
        if reply < 0:
            raise AttemptStopped("superseded")
        return reply > 0

    async def settle(self, micro_usd: int) -> None:
        """As in the port."""
        if self._key.budget_micro_usd is None:
            return
        arguments = (self._answer, self._attempt.epoch, micro_usd, self._hold, LIFE_MILLISECONDS)
        try:
            async with asyncio.timeout(SETTLE_SECONDS):
                await SETTLE.run(self._redis, self._keys, arguments)
        except (*AWAY, TimeoutError) as error:
            # The reservation lapses, and the key's next question brings along what Postgres knows by then.
            log.warning("a budget could not be settled", error=type(error).__name__)

    @property
    def _keys(self) -> tuple[str, str]:
        account = f"budget:{{{self._key.key_id}}}:{self._month}"
        return account, f"{account}:until"
