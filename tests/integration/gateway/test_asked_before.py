"""A question that has its answer under another id, since its session has changed hands, is led to that answer."""

import hashlib
from uuid import UUID, uuid4

from redis.asyncio import Redis

from libs.answers.names import END_SEQ
from libs.contracts.frames import Ended
from tests.integration.gateway.people import Client, text_of
from tests.integration.gateway.servers import Api
from tests.integration.gateway.stages import Answer, the_question
from tests.polling import eventually

NOTHING = hashlib.sha256().hexdigest()


async def led_elsewhere(asked: Answer, redis: Redis, *, answer_id: str | None = None) -> Answer:
    """What history says to a question that it knows; the answer that there is."""
    other = Answer(redis, asked.turn.model_copy(update={"answer_id": UUID(answer_id or uuid4().hex)}))
    instead = Ended(status="failed", digest=NOTHING, failure="asked_before", instead=other.turn.answer_id)
    await asked.put(1, END_SEQ, instead)
    return other


async def test_an_answer_under_way_is_read_in_place_of_the_new_one(ann: Client, redis: Redis) -> None:
    """From its first word to its end, under its own id, in one sequence."""
    session = str(uuid4())
    request_id = await ann.send(session)
    other = await led_elsewhere(await the_question(redis), redis)

    await other.write("Cards ", "are free.")

    frames = await ann.reply(request_id)
    assert text_of(frames) == "Cards are free."
    assert frames[0]["chunk"] == {"type": "start", "messageId": str(other.turn.answer_id)}
    assert frames[-1]["type"] == "end"


async def test_an_answer_of_long_ago_is_read_as_it_is_stored(ann: Client, redis: Redis, api: Api) -> None:
    """Its log has expired: nothing would ever come of it."""
    request_id = await ann.send(str(uuid4()))
    stored = str(uuid4())
    api.messages[stored] = {"content": "Free.", "status": "completed"}

    await led_elsewhere(await the_question(redis), redis, answer_id=stored)

    assert text_of(await ann.reply(request_id)) == "Free."


async def test_an_abort_reaches_the_answer_there_is(ann: Client, redis: Redis) -> None:
    """It is what its client reads."""
    request_id = await ann.send(str(uuid4()))
    other = await led_elsewhere(await the_question(redis), redis)
    await other.announce()
    await other.begin()
    await other.say("Cards ")
    await ann.until("text-delta")

    await ann.abort(request_id)

    await eventually(other.is_cancelled)
    await other.end(status="cancelled")
    assert (await ann.reply(request_id))[-1]["type"] == "end"
