"""Checks that anybody may ask for, at the cost of one a second."""

import asyncio
import time
from collections.abc import Callable

from libs.service.health import Check

REMEMBER_SECONDS = 1.0


def remembered(check: Check, *, seconds: float = REMEMBER_SECONDS, now: Callable[[], float] = time.monotonic) -> Check:
    """The check, asked at most once in so many seconds; those who ask in between get the same answer.

    Args:
        check: as in `Health`.
        seconds: how long an answer holds.
        now: seconds of a clock that never goes back.
    """
    asking = asyncio.Lock()
    answer: tuple[float, Exception | None] | None = None

    async def ask() -> None:
        nonlocal answer
        async with asking:
            if answer is None or now() >= answer[0]:
                try:
                    await check()
                except Exception as error:  # noqa: BLE001 - it is raised again, below and for those who ask next
                    answer = (now() + seconds, error)
                else:
                    answer = (now() + seconds, None)
        if answer[1] is not None:
            raise answer[1]

    return ask
