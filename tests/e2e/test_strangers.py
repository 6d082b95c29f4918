"""What is somebody else's is not there."""

from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.e2e.model import Model, new_question, text_of
from tests.e2e.people import Person, editor_of, guest_of, transcript_of
from tests.e2e.stack import Stack
from tests.polling import eventually


@pytest.fixture
async def stranger(stack: Stack, http: httpx.AsyncClient) -> Person:
    return await guest_of(stack, http)


async def session_of(person: Person) -> str:
    """The id of the person's one session: a UUID, which means the same session whoever says it."""
    [session] = (await person.call("GET", "/v1/sessions")).json()["items"]
    return str(session["id"])


async def problems(person: Person, requests: Mapping[str, tuple[str, ...]], **ids: str) -> dict[str, tuple[int, str]]:
    """Status and body of each request's answer, with these ids in its path."""
    answers = {}
    for path, methods in requests.items():
        for method in methods:
            field = "name" if "collection" in ids else "title"
            body = {"json": {field: "mine"}} if method == "PATCH" else {}
            response = await person.call(method, path.format(**ids), **body)
            answers[f"{method} {path}"] = (response.status_code, response.text)
    return answers


SESSION_REQUESTS = {
    "/v1/sessions/{session}": ("GET", "PATCH", "DELETE"),
    "/v1/sessions/{session}/active": ("GET",),
    "/v1/sessions/{session}/messages": ("GET",),
    "/v1/sessions/{session}/messages/{question}": ("GET",),
    "/v1/sessions/{session}/messages/{answer}": ("GET",),
}
DOCUMENT_REQUESTS = {"/v1/documents/{document}": ("GET", "DELETE")}
COLLECTION_REQUESTS = {"/v1/collections/{collection}": ("GET", "PATCH", "DELETE")}


async def test_a_session_answers_strangers_as_one_that_does_not_exist(guest: Person, stranger: Person) -> None:
    """To the letter, on every route; and afterwards it is as it was."""
    await guest.ask(uuid4().hex, new_question())
    session = await session_of(guest)
    question, answer = await guest.messages(session)

    found = await problems(stranger, SESSION_REQUESTS, session=session, question=question["id"], answer=answer["id"])
    nothing = await problems(
        stranger, SESSION_REQUESTS, session=str(uuid4()), question=str(uuid4()), answer=str(uuid4())
    )

    assert found == nothing
    assert {status for status, _ in found.values()} == {404}
    assert await guest.messages(session) == [question, answer]
    assert not (await stranger.call("GET", "/v1/sessions")).json()["items"]


async def test_a_stranger_neither_asks_in_a_session_nor_hears_its_answer(
    guest: Person, stranger: Person, model: Model
) -> None:
    """With the session's id and the message's: `send` fails, `resume` finds nothing, and nothing is stored."""
    question = new_question()
    pause = model.pause(question, 5)
    async with guest.socket() as own, stranger.socket() as foreign:
        asked = await own.send(uuid4().hex, question, message_id="m1")

        async def reached() -> bool:
            return pause.is_reached

        await eventually(reached, within_seconds=20)
        session = await session_of(guest)
        before = await foreign.resume(session)
        heard = await foreign.replies(before)
        sent = await foreign.send(session, question, message_id="m1")
        heard |= await foreign.replies(sent)
        after = await foreign.resume(session)
        heard |= await foreign.replies(after)
        pause.go_on()
        answered = await own.replies(asked)

    errors = [frame["chunk"]["errorText"] for frame in heard[sent] if frame.get("chunk", {}).get("type") == "error"]
    assert errors == ["There is no such session."]
    assert transcript_of(heard[sent]).text == ""
    assert [frame["type"] for frame in heard[before] + heard[after]] == ["no-active"] * 2
    assert transcript_of(answered[asked]).text == text_of(question)
    assert [message["content"] for message in await guest.messages(session)] == [question, text_of(question)]
    assert not (await stranger.call("GET", "/v1/sessions")).json()["items"]


async def test_a_document_answers_strangers_as_one_that_does_not_exist(
    stack: Stack, http: httpx.AsyncClient, guest: Person, tmp_path: Path
) -> None:
    """A user's own document is read and deleted by nobody else, and answers nobody else's questions."""
    editor = await editor_of(stack, http)
    note = tmp_path / "note.md"
    note.write_text("# My own note\n\nA transfer takes ten seconds, I noted.\n")
    document = await editor.publish(note, collection="")

    found = await problems(guest, DOCUMENT_REQUESTS, document=document)
    answer = await guest.ask(uuid4().hex, new_question())

    assert found == await problems(guest, DOCUMENT_REQUESTS, document=str(uuid4()))
    assert {status for status, _ in found.values()} == {404}
    assert (await editor.call("GET", f"/v1/documents/{document}")).json()["status"] == "searchable"
    listed = (await guest.call("GET", "/v1/documents")).json()["items"]
    assert document not in {item["id"] for item in listed}
    assert {source["title"] for source in answer.sources} == {"Transfers"}
    own = await editor.ask(uuid4().hex, new_question())
    assert "My own note" in {source["title"] for source in own.sources}


async def test_a_closed_collection_is_nobody_elses(
    stack: Stack, http: httpx.AsyncClient, guest: Person, tmp_path: Path
) -> None:
    """What everybody could ask about is, once it is closed, in no new answer, and quoted in no old one any more."""
    editor = await editor_of(stack, http)
    opened = await editor.call("POST", "/v1/collections", json={"name": "Rules", "public": True})
    collection = opened.json()["id"]
    note = tmp_path / "rule.md"
    note.write_text("# A rule of ours\n\nA transfer takes ten seconds, the rule says.\n")
    await editor.publish(note, collection=collection)
    session, question = uuid4().hex, new_question()
    before = await guest.ask(session, question)

    closed = await editor.call("PATCH", f"/v1/collections/{collection}", json={"public": False})
    after = await guest.ask(uuid4().hex, question)

    assert (opened.status_code, closed.status_code) == (201, 200)
    assert "A rule of ours" in {source["title"] for source in before.sources}
    assert "A rule of ours" not in {source["title"] for source in after.sources}
    messages = (await guest.call("GET", f"/v1/sessions/{session}/messages")).json()["items"]
    assert "A rule of ours" not in {cited["title"] for message in messages for cited in message["citations"]}
    found = await problems(guest, COLLECTION_REQUESTS, collection=collection)
    assert found == await problems(guest, COLLECTION_REQUESTS, collection=str(uuid4()))
    assert {status for status, _ in found.values()} == {404}
