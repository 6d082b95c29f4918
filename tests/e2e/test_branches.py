"""A question asked at the place of another: exactly one more turn, whoever sends it however often."""

import asyncio
from pathlib import Path
from uuid import uuid4

from tests.e2e.model import Model, name_of, new_question, text_of
from tests.e2e.people import Person, transcript_of
from tests.e2e.sdk import page
from tests.e2e.stack import Stack


async def test_the_same_regenerate_twice_is_one_more_answer(guest: Person, model: Model) -> None:
    """Over two sockets at once, and once more when it has ended; its model is told nothing of the answer before."""
    question, session = new_question(), uuid4().hex
    first = await guest.ask(session, question, message_id="m1")

    async def again() -> str:
        async with guest.socket() as socket:
            frame = {"trigger": "regenerate-message", "messageId": first.message_id, "requestId": "r-again"}
            request = await socket.send(session, question, message_id="m1", **frame)
            transcript = transcript_of((await socket.replies(request))[request])
        assert transcript.text == text_of(question, attempt=2)
        return transcript.message_id

    answers = {*await asyncio.gather(again(), again()), await again()}

    [stored] = await guest.answers(session)
    assert answers == {stored["id"]}
    assert stored["siblings"] == {"ids": [first.message_id, stored["id"]], "index": 1, "count": 2}
    assert model.attempts[name_of(question)] == 2
    assert not any("attempt 1" in text for text in model.prompts[name_of(question)])


async def test_a_chat_of_the_ai_sdk_edits_and_regenerates(
    stack: Stack, guest: Person, model: Model, script: Path
) -> None:
    """As it comes: an edit under the message's own id, then another answer to that; the latest of both is shown."""
    question, edited, session = new_question(), new_question(), uuid4().hex
    async with page(script, stack.url, await guest.token()) as opened:
        await opened.open(session)
        await opened.send(session, question, message_id="m1")
        await opened.settles(session)
        # The chat takes messages away before it says that it is busy.
        await opened.edit(session, "m1", edited)
        await opened.shows(session, text_of(edited))
        await opened.settles(session)
        await opened.regenerate(session)
        await opened.shows(session, text_of(edited, attempt=2))
        await opened.settles(session)
        asked, answer = opened.states[session]["messages"]

    [stored_question, stored_answer] = await guest.messages(session)
    assert (stored_question["content"], stored_question["siblings"]["count"]) == (edited, 2)
    assert (stored_answer["id"], stored_answer["siblings"]["count"]) == (answer["id"], 2)
    assert asked["id"] == "m1"
    assert model.attempts[name_of(question)] == 1
