"""Waiting for what must come true, without guessing how long it takes."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def eventually(probe: Callable[[], Awaitable[T]], *, within_seconds: float = 10.0) -> T:
    """The first truthy answer of `probe`.

    Raises:
        AssertionError: it stayed falsy; the last answer is in the message.
    """
    deadline = time.monotonic() + within_seconds
    while True:
        answer = await probe()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"still {answer!r} after {within_seconds} s")
        await asyncio.sleep(0.02)
