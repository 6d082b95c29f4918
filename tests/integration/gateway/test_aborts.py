"""An abort ends an answer, for good and for everybody."""

import pytest
from redis.asyncio import Redis

from tests.integration.gateway.conftest import Gateway
from tests.integration.gateway.people import Client, kinds_of, text_of
from tests.integration.gateway.servers import Api
from tests.integration.gateway.stages import Answer, questions, the_question
from tests.polling import eventually


async def test_an_abort_closes_the_answer(ann: Client, redis: Redis) -> None:
    """For good and for everybody; the client gets the end as it is stored."""
    request_id = await ann.send("s")
    answer = await the_question(redis)
    await answer.announce()
    await answer.begin()
    await answer.say("Half an")
    await ann.until("text-delta")
    await ann.abort(request_id)
    await eventually(answer.is_cancelled)
    await answer.end(status="cancelled")

    assert kinds_of(await ann.reply(request_id))[-2:] == ["abort", "end"]


async def test_an_abort_before_anybody_has_taken_the_question(ann: Client, redis: Redis) -> None:
    """The log is closed before it has begun: history will store the answer as cancelled."""
    request_id = await ann.send("s")
    await ann.abort(request_id)

    async def settled() -> bool:
        asked = await questions(redis)
        return bool(asked) and await Answer(redis, asked[0]).is_cancelled()

    if not await _ended_at_once(ann, request_id):
        await eventually(settled)


async def _ended_at_once(client: Client, request_id: str) -> bool:
    frame = await client.frame()
    return (frame["type"], frame["requestId"]) == ("end", request_id)


async def test_a_question_that_was_aborted_in_the_queue_is_never_asked(ann: Client, redis: Redis) -> None:
    """It waits for the one before it; nobody shall begin what nobody waits for."""
    first = await ann.send("s")
    answer = await the_question(redis)
    second = await ann.send("s", message_id="m-2")
    await ann.abort(second)
    await answer.write("First.")
    replies = await ann.replies(first, second)

    assert text_of(replies[first]) == "First."
    assert kinds_of(replies[second]) == ["end"]
    assert len(await questions(redis)) == 1


async def test_an_abort_behind_the_end_changes_nothing(ann: Client, redis: Redis) -> None:
    """The answer is stored as it is, and the request is forgotten."""
    request_id = await ann.send("s")
    answer = await the_question(redis)
    await answer.write("Done.")
    await ann.reply(request_id)
    await ann.abort(request_id)

    assert kinds_of(await ann.reply(await ann.resume("s"))) == ["no-active"]
    assert not await answer.is_cancelled()


async def test_a_reader_who_resumed_may_abort(gateway: Gateway, api: Api, ann: Client, redis: Redis) -> None:
    """After a reload the same person stops the same answer, and the first socket hears of it."""
    first = await ann.send("s")
    answer = await the_question(redis)
    api.active[str(answer.turn.session_id)] = str(answer.turn.answer_id)
    await answer.announce()
    async with gateway.client() as again:
        resumed = await again.resume("s")
        await again.until("data-status")
        await again.abort(resumed)
        await eventually(answer.is_cancelled)
    await answer.end("", status="cancelled")

    assert kinds_of(await ann.reply(first))[-2:] == ["abort", "end"]


@pytest.mark.parametrize("named", [True, False])
async def test_an_abort_of_a_resume_hits_no_answer_that_was_not_meant(
    gateway: Gateway, api: Api, ann: Client, redis: Redis, *, named: bool
) -> None:
    """It names a session, which may wait for another answer by now: before a word of it came, only a name counts."""
    await ann.send("s")
    answer = await the_question(redis)
    api.active[str(answer.turn.session_id)] = str(answer.turn.answer_id)
    async with gateway.client() as again:
        resumed = await again.resume("s", **({"messageId": str(answer.turn.answer_id)} if named else {}))
        await again.until("start")
        await again.abort(resumed)
        if named:
            await eventually(answer.is_cancelled)
        else:
            # A socket's frames are taken in order: behind this one's answer the abort has been heard.
            await again.reply(await again.resume("nothing"))
            await answer.write("Untouched.")
            assert kinds_of(await again.reply(resumed)) == ["end"]
            assert not await answer.is_cancelled()


async def test_only_the_requests_of_the_socket_can_be_aborted(gateway: Gateway, ann: Client, redis: Redis) -> None:
    """A request id that somebody overheard is worth nothing."""
    request_id = await ann.send("s")
    answer = await the_question(redis)
    async with gateway.client("bob") as bob:
        await bob.abort(request_id)
        assert kinds_of(await bob.reply(await bob.resume("s"))) == ["no-active"]
    await answer.write("Untouched.")

    assert text_of(await ann.reply(request_id)) == "Untouched."
