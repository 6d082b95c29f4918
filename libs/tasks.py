"""Tasks that go on in the background, and ending tasks for certain."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import structlog

log = structlog.get_logger()

ASK_AGAIN_SECONDS = 0.2
SAY_AGAIN_SECONDS = 10.0


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


@asynccontextmanager
async def repeating(once: Callable[[], Awaitable[None]], *, every_seconds: float) -> AsyncIterator[None]:
    """Does `once` again and again as long as the context lasts; an error ends that time, not the next."""
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(_forever(once, every_seconds))
        try:
            yield
        finally:
            await end_tasks(task)


async def _forever(once: Callable[[], Awaitable[None]], every_seconds: float) -> None:
    said_at = float("-inf")
    while True:
        await asyncio.sleep(every_seconds)
        try:
            await once()
        except Exception as error:
            # What it needs may be away for minutes.
            if time.monotonic() - said_at >= SAY_AGAIN_SECONDS:
                said_at = time.monotonic()
                log.warning("sweep failed", exc_info=error)
