"""The real npm package `ai`: its transport and its chat, as `useChat` has them, against the running system."""

from pathlib import Path
from uuid import uuid4

from tests.e2e.model import Model, name_of, new_question, text_of, words_of
from tests.e2e.network import network
from tests.e2e.people import Person
from tests.e2e.sdk import Message, page
from tests.e2e.stack import Stack
from tests.polling import eventually

SEEN = 12
"""Words of an answer that are on the page when something happens to it."""


def beginning(question: str, *, attempt: int = 1) -> str:
    """The first `SEEN` words."""
    return "".join(words_of(question, attempt=attempt)[:SEEN])


def parts(message: Message, kind: str) -> list[Message]:
    return [part for part in message["parts"] if part["type"] == kind]


async def test_an_answer_comes_with_its_sources_and_citations(stack: Stack, guest: Person, script: Path) -> None:
    """The chat ends ready, with one message that is the stored one, to the letter and with its id."""
    question, session = new_question(), uuid4().hex
    async with page(script, stack.url, await guest.token()) as opened:
        await opened.open(session)
        await opened.send(session, question, message_id="m1")
        await opened.shows(session, text_of(question))
        await opened.settles(session)

        [asked, answer] = opened.states[session]["messages"]
    [stored] = await guest.answers(session)
    [source] = parts(answer, "source-document")
    [citation] = parts(answer, "data-citation")
    assert asked["id"] == "m1"
    assert (answer["id"], opened.text(session)) == (stored["id"], stored["content"])
    assert answer["metadata"]["status"] == stored["status"] == "completed"
    assert (source["title"], source["mediaType"]) == ("Transfers", "text/markdown")
    assert citation["data"]["number"] == 1
    assert citation["data"]["chunkId"] == source["sourceId"] == stored["citations"][0]["chunk_id"]
    assert "ten seconds" in citation["data"]["quote"]


async def test_a_cut_connection_is_resumed(stack: Stack, guest: Person, model: Model, script: Path) -> None:
    """In mid-answer the network goes; the chat resumes, and its one message is the whole answer."""
    question, session = new_question(), uuid4().hex
    pause = model.pause(question, SEEN)
    async with network(stack.url) as relay, page(script, relay.url, await guest.token()) as opened:
        await opened.open(session)
        await opened.send(session, question, message_id="m1")
        await opened.shows(session, beginning(question))

        relay.cut()
        await opened.settles(session, status="error")
        await opened.resume(session)
        await opened.settles(session, status="streaming")
        pause.go_on()
        await opened.settles(session)

        [_, answer] = opened.states[session]["messages"]
        [stored] = await guest.answers(session)
        assert (answer["id"], opened.text(session)) == (stored["id"], stored["content"])
        assert stored["content"] == text_of(question)


async def test_a_page_that_is_loaded_again_shows_the_answer_from_its_beginning(
    stack: Stack, guest: Person, model: Model, script: Path
) -> None:
    """Another page, which knows the question alone, resumes; a third finds nothing to resume when it has ended."""
    question, session = new_question(), uuid4().hex
    pause = model.pause(question, SEEN)
    async with page(script, stack.url, await guest.token()) as first:
        await first.open(session)
        await first.send(session, question, message_id="m1")
        await first.shows(session, beginning(question))
        asked = first.states[session]["messages"][:1]
    async with page(script, stack.url, await guest.token()) as second:
        await second.open(session, messages=asked)
        await second.resume(session)
        await second.shows(session, beginning(question))
        pause.go_on()
        await second.settles(session)

        assert second.text(session) == text_of(question)
        whole = second.states[session]["messages"]
        await second.resume(session)
        await second.settles(session)
        assert second.states[session]["messages"] == whole
    [stored] = await guest.answers(session)
    assert stored["content"] == text_of(question)


async def test_stopping_cancels_the_answer_for_good(stack: Stack, guest: Person, model: Model, script: Path) -> None:
    """The model's stream is closed, and what was written until then is stored as cancelled."""
    question, session = new_question(), uuid4().hex
    model.pause(question, SEEN)
    async with page(script, stack.url, await guest.token()) as opened:
        await opened.open(session)
        await opened.send(session, question, message_id="m1")
        await opened.shows(session, beginning(question))

        await opened.stop(session)
        await opened.settles(session)

        async def stored_as_cancelled() -> bool:
            [stored] = await guest.answers(session)
            return bool(stored["status"] == "cancelled" and stored["content"] == beginning(question))

        async def model_was_left() -> bool:
            return name_of(question) in model.dropped

        await eventually(stored_as_cancelled, within_seconds=20)
        await eventually(model_was_left, within_seconds=20)
        assert opened.text(session) == beginning(question)


async def test_a_killed_worker_is_taken_over(stack: Stack, guest: Person, model: Model, script: Path) -> None:
    """Generation is killed in mid-answer: the page ends with the second attempt's text and nothing of the first's."""
    question, session = new_question(), uuid4().hex
    model.pause(question, SEEN)
    async with page(script, stack.url, await guest.token()) as opened:
        await opened.open(session)
        await opened.send(session, question, message_id="m1")
        await opened.shows(session, beginning(question))

        await stack.kill_service("generation")
        await opened.settles(session)

        [_, answer] = opened.states[session]["messages"]
        [stored] = await guest.answers(session)
        assert (answer["id"], opened.text(session)) == (stored["id"], stored["content"])
        assert stored["content"] == text_of(question, attempt=2)
        assert [citation["data"]["number"] for citation in parts(answer, "data-citation")] == [1]


async def test_two_answers_come_over_one_socket(stack: Stack, guest: Person, script: Path) -> None:
    """Each chat of a page gets its own answer."""
    questions = {uuid4().hex: new_question() for _ in range(2)}
    async with network(stack.url) as relay, page(script, relay.url, await guest.token()) as opened:
        for session, question in questions.items():
            await opened.open(session)
            await opened.send(session, question, message_id="m1")
        for session, question in questions.items():
            await opened.settles(session)
            await opened.shows(session, text_of(question))
        assert relay.connections == 1
    for session, question in questions.items():
        [stored] = await guest.answers(session)
        assert stored["content"] == text_of(question)
