"""Ending tasks for certain."""

import asyncio
from typing import Any

ASK_AGAIN_SECONDS = 0.2


async def end_tasks(*tasks: "asyncio.Task[Any] | None") -> None:
    """Cancel these tasks and wait until they are done; what they raise is theirs.

    Before Python 3.12 `asyncio.wait_for` may swallow a cancellation that comes as its work is done, and redis-py waits
    with it: so a task that goes on is asked again.
    """
    left = {task for task in tasks if task is not None and not task.done()}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=ASK_AGAIN_SECONDS)
