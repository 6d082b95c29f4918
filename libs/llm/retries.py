"""Trying again, politely: exponential back-off with jitter, and what the other side asks for."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from libs.errors import TransientError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how patiently a call is tried.

    Attributes:
        tries: calls made at most, the first included.
        base_seconds: mean wait before the second try; it doubles with each one.
        max_seconds: longest wait of our own choosing.
        retry_after_max_seconds: longest wait the other side may ask for; beyond it the call fails at once, so that
            the bus waits instead of a worker's hand.
    """

    tries: int = 3
    base_seconds: float = 0.25
    max_seconds: float = 4.0
    retry_after_max_seconds: float = 10.0

    def wait_seconds(self, failures: int, error: TransientError) -> float | None:
        """How long to wait after this many failures, or None to give up."""
        if failures >= self.tries:
            return None
        asked = error.retry_after_seconds or 0.0
        if asked > self.retry_after_max_seconds:
            return None
        own: float = min(self.max_seconds, self.base_seconds * 2 ** (failures - 1))
        # Jitter on top of what was asked for as well: everybody was told the same second.
        return asked + own * random.uniform(0.5, 1.5)  # noqa: S311 - spreading load, not keeping a secret


async def retrying(work: Callable[[], Awaitable[T]], policy: RetryPolicy) -> T:
    """The result of `work`, tried again while it raises TransientError and the policy allows.

    Raises:
        TransientError: the last one.
    """
    failures = 0
    while True:
        try:
            return await work()
        except TransientError as error:
            failures += 1
            wait = policy.wait_seconds(failures, error)
            if wait is None:
                raise
        await asyncio.sleep(wait)
