"""A gateway that stops sends its clients away, and another one goes on with their answers."""

from contextlib import AsyncExitStack

import pytest
from redis.asyncio import Redis

from tests.integration.gateway.conftest import Start
from tests.integration.gateway.people import Client, text_of
from tests.integration.gateway.servers import Api
from tests.integration.gateway.stages import the_question
from tests.polling import eventually


async def test_an_answer_goes_on_over_another_gateway(start: Start, api: Api, redis: Redis) -> None:
    """The socket is closed with 1012, and what is resumed elsewhere is the whole answer, to the letter."""
    async with start() as stopping, start() as staying, stopping.client() as ann:
        await ann.send("s")
        answer = await the_question(redis)
        api.active[str(answer.turn.session_id)] = str(answer.turn.answer_id)
        await answer.announce()
        await answer.begin()
        await answer.say("Before, ")
        await ann.until("text-delta")

        stopping.server.should_exit = True
        assert await ann.close_code() == 1012
        async with staying.client() as again:
            resumed = await again.resume("s")
            await answer.say("and after.")
            await answer.end()
            frames = await again.reply(resumed)

    assert text_of(frames[1:]) == "Before, and after."


async def test_sockets_are_closed_one_after_the_other(start: Start) -> None:
    """Some have gone while others are still there; nobody new comes in, and none is left out."""
    async with start() as stopping, AsyncExitStack() as stack:
        people = [await stack.enter_async_context(stopping.client()) for _ in range(30)]
        for one in people:
            await one.reply(await one.resume("s"))

        stopping.server.should_exit = True
        assert await eventually(lambda: _gone(people)) < len(people)
        with pytest.raises(OSError):
            async with stopping.client():
                pass

        assert {await one.close_code() for one in people} == {1012}


async def _gone(people: list[Client]) -> int:
    return [one.connection.close_code for one in people].count(1012)
