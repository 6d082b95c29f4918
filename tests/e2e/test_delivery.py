"""One question, one stored answer, one text: whatever clients send twice, leave and come back to."""

import asyncio
from uuid import uuid4

from deploy.local.transcript import Transcript
from tests.e2e.model import Model, name_of, new_question, text_of, words_of
from tests.e2e.people import Person, transcript_of
from tests.polling import eventually


async def test_the_same_send_twice_on_a_socket_is_one_answer(guest: Person, model: Model) -> None:
    """Both requests get the whole text; the model was asked once, one answer is stored."""
    question, session = new_question(), uuid4().hex
    async with guest.socket() as socket:
        first = await socket.send(session, question, message_id="m1")
        second = await socket.send(session, question, message_id="m1")
        replies = await socket.replies(first, second)

    assert transcript_of(replies[first]).text == transcript_of(replies[second]).text == text_of(question)
    assert model.attempts[name_of(question)] == 1
    assert [answer["content"] for answer in await guest.answers(session)] == [text_of(question)]


async def test_the_same_send_from_two_sockets_at_once_is_one_answer(guest: Person, model: Model) -> None:
    """And from a third one, when it has ended long ago."""
    question, session = new_question(), uuid4().hex
    transcripts = await asyncio.gather(*(guest.ask(session, question, message_id="m1") for _ in range(2)))
    transcripts.append(await guest.ask(session, question, message_id="m1"))

    assert [transcript.text for transcript in transcripts] == [text_of(question)] * 3
    assert len({transcript.message_id for transcript in transcripts}) == 1
    assert model.attempts[name_of(question)] == 1
    assert [message["role"] for message in await guest.messages(session)] == ["user", "assistant"]


async def test_a_reload_in_mid_answer_resumes_exactly(guest: Person, model: Model) -> None:
    """At several points, the one before the first word included: tabs that stay and tabs that go see what is stored."""
    question, session = new_question(), uuid4().hex
    words = words_of(question)
    points = (0, 1, 20, len(words) - 1)
    pause = model.pause(question, *points)
    async with asyncio.TaskGroup() as tabs:
        asker = tabs.create_task(guest.ask(session, question))
        staying = []
        for point in points:

            async def waits() -> bool:
                return pause.is_reached

            await eventually(waits, within_seconds=20)
            tab = Transcript()
            staying.append(tabs.create_task(guest.listen_to(tab, session)))
            await shows(tab, "".join(words[:point]))
            leaving = Transcript()
            gone = tabs.create_task(guest.listen_to(leaving, session))
            await shows(leaving, "".join(words[:point]))
            gone.cancel()
            pause.go_on()

    [stored] = await guest.answers(session)
    assert stored["content"] == text_of(question)
    for reader in (asker, *staying):
        seen = reader.result()
        assert seen.finished
        assert (seen.message_id, seen.text) == (stored["id"], stored["content"])
        assert [source["sourceId"] for source in seen.sources] == [seen.citations[1]["chunkId"]]


async def test_two_quick_questions_are_answered_in_order(guest: Person, model: Model) -> None:
    """The second waits until the first is stored, and its model is told what was said."""
    first, second, session = new_question(), new_question(), uuid4().hex
    pause = model.pause(first, 5)
    async with guest.socket() as socket:
        requests = [
            await socket.send(session, question, message_id=f"m{number}")
            for number, question in enumerate((first, second))
        ]

        async def both_stored() -> bool:
            response = await guest.call("GET", f"/v1/sessions/{session}/messages")
            return response.is_success and len(response.json()["items"]) == 4

        await eventually(both_stored, within_seconds=20)
        assert [answer["status"] for answer in await guest.answers(session)] == ["opened", "queued"]
        assert not model.attempts[name_of(second)]
        pause.go_on()
        replies = await socket.replies(*requests)

    assert [transcript_of(replies[request]).text for request in requests] == [text_of(first), text_of(second)]
    stored = await guest.messages(session)
    assert [message["content"] for message in stored] == [first, text_of(first), second, text_of(second)]
    _rules, *said = model.prompts[name_of(second)]
    assert said[0] == first
    assert text_of(first).startswith(said[1].partition(".")[0])
    assert said[-1] == second


async def shows(transcript: Transcript, text: str) -> None:
    """The answer has begun, and stands exactly here."""

    async def shown() -> bool:
        return bool(transcript.message_id) and transcript.text == text

    await eventually(shown, within_seconds=20)
