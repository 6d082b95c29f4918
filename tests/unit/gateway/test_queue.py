"""Questions of one socket keep their order within a session, and wait for nothing else."""

import asyncio

from gateway.queue import SessionQueues


async def _is_waiting(task: "asyncio.Task[None]") -> bool:
    for _ in range(5):
        await asyncio.sleep(0)
    return not task.done()


async def test_a_question_waits_for_the_one_before_it_in_its_session() -> None:
    """And goes as soon as that one is stored."""
    queues = SessionQueues()
    first, second, third = (queues.join("a") for _ in range(3))
    await first.wait()
    behind, last = asyncio.create_task(second.wait()), asyncio.create_task(third.wait())
    assert await _is_waiting(behind)

    first.pass_on()
    await asyncio.wait_for(behind, 1)
    assert await _is_waiting(last)

    second.pass_on()
    await asyncio.wait_for(last, 1)


async def test_other_sessions_and_settled_ones_do_not_hold_anybody_up() -> None:
    """A place in another session, or behind one that was passed, is free at once."""
    queues = SessionQueues()
    queues.join("a")
    done = queues.join("b")
    done.pass_on()

    await asyncio.wait_for(queues.join("b").wait(), 1)
    await asyncio.wait_for(queues.join("c").wait(), 1)
