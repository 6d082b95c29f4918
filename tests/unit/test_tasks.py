"""Background work goes on through errors, and ends when it is told to."""

import asyncio

from libs.tasks import end_tasks, repeating
from tests.polling import eventually


async def test_an_error_ends_one_time_and_not_the_next() -> None:
    """What fails is done again, until the context ends."""
    times: list[int] = []

    async def once() -> None:
        times.append(len(times))
        raise ValueError("this time")

    async def three() -> bool:
        return len(times) >= 3

    async with repeating(once, every_seconds=0.001):
        await eventually(three)
    done = len(times)
    await asyncio.sleep(0.02)
    assert len(times) == done


async def test_a_task_that_swallows_a_cancellation_is_asked_again() -> None:
    """As `asyncio.wait_for` may do it before Python 3.12."""
    begun = asyncio.Event()

    async def stubborn() -> None:
        try:
            begun.set()
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(60)

    task = asyncio.create_task(stubborn())
    await begun.wait()
    await asyncio.wait_for(end_tasks(task), 5)
    assert task.done()
