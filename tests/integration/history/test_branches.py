"""People go back to what they had asked before, and see what else there is at each place."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from history_service.turns import PostgresTurns
from libs.contracts.events import QuestionAsked
from tests.integration.history.api_calls import an_answered, an_asked, as_, ids, problem


def path_of(asked: QuestionAsked) -> str:
    return f"/v1/sessions/{asked.turn.session_id}"


async def instead(turns: PostgresTurns, asked: QuestionAsked, question: str, answer: str) -> QuestionAsked:
    """A turn in this one's stead."""
    name = str(asked.turn.question_id)
    return await an_answered(turns, answer, question=question, session_id=asked.turn.session_id, replaces=name)


@pytest.fixture
async def talk(turns: PostgresTurns) -> list[QuestionAsked]:
    """A question with two answers, and in other words with one; each has a turn before it, the first one behind it."""
    first = await an_answered(turns, "One.", question="First?")
    second = await an_answered(turns, "Two.", question="Second?", session_id=first.turn.session_id)
    third = await an_answered(turns, "Three.", question="Third?", session_id=first.turn.session_id)
    again = await instead(turns, second, "Second?", "Two, again.")
    edited = await instead(turns, second, "Second, please?", "Two, please.")
    return [first, second, third, again, edited]


async def shown(http: httpx.AsyncClient, asked: QuestionAsked) -> list[dict[str, Any]]:
    response = await http.get(f"{path_of(asked)}/messages")
    assert response.status_code == 200, response.text
    items: list[dict[str, Any]] = response.json()["items"]
    return items


async def show(http: httpx.AsyncClient, asked: QuestionAsked, message_id: object) -> httpx.Response:
    return await http.put(f"{path_of(asked)}/branch", json={"message_id": str(message_id)})


def contents(messages: list[dict[str, Any]]) -> list[str]:
    return [message["content"] for message in messages]


async def test_messages_are_those_of_one_branch(http: httpx.AsyncClient, talk: list[QuestionAsked]) -> None:
    """The latest; a question says which other wordings there are, an answer which others to the same words."""
    _, second, _, again, edited = (asked.turn for asked in talk)

    messages = await shown(http, talk[0])

    assert contents(messages) == ["First?", "One.", "Second, please?", "Two, please."]
    assert [message["siblings"] for message in messages] == [
        None,
        None,
        {"ids": [str(again.question_id), str(edited.question_id)], "index": 1, "count": 2},
        None,
    ]

    response = await show(http, talk[0], again.question_id)

    assert response.json() == {"message_id": str(again.answer_id)}
    messages = await shown(http, talk[0])
    assert contents(messages) == ["First?", "One.", "Second?", "Two, again."]
    assert messages[2]["siblings"]["ids"] == [str(again.question_id), str(edited.question_id)]
    assert messages[3]["siblings"] == {"ids": [str(second.answer_id), str(again.answer_id)], "index": 1, "count": 2}
    one = (await http.get(f"{path_of(talk[0])}/messages/{again.answer_id}")).json()
    assert one == messages[3]


async def test_a_branch_is_shown_to_its_end(http: httpx.AsyncClient, talk: list[QuestionAsked]) -> None:
    """In pages of either order, also when it is asked for a message in its middle or one that is shown already."""
    await show(http, talk[0], talk[1].turn.answer_id)
    whole = ["First?", "One.", "Second?", "Two.", "Third?", "Three."]

    assert contents(await shown(http, talk[0])) == whole
    await show(http, talk[0], talk[0].turn.answer_id)
    assert contents(await shown(http, talk[0])) == whole
    path = f"{path_of(talk[0])}/messages"
    oldest = await ids(http, path, limit=1)
    assert await ids(http, path, limit=4, order="newest") == oldest[::-1]
    assert len(oldest) == 6


async def test_nobody_switches_what_is_not_theirs(http: httpx.AsyncClient, talk: list[QuestionAsked]) -> None:
    """A stranger's session, and a message of another session, look like none."""
    path, before = f"{path_of(talk[0])}/branch", await shown(http, talk[0])
    body = {"message_id": str(talk[1].turn.answer_id)}

    assert problem(await http.put(path, json=body, headers=as_("bob"))) == (404, "message_not_found")
    assert problem(await show(http, talk[0], uuid4())) == (404, "message_not_found")
    assert problem(await http.put(path, json={"message_id": "m-1"})) == (422, "invalid_request")
    assert problem(await http.put(path, json={**body, "more": 1})) == (422, "invalid_request")
    assert await shown(http, talk[0]) == before


async def test_one_waits_for_what_is_shown(
    http: httpx.AsyncClient, turns: PostgresTurns, talk: list[QuestionAsked]
) -> None:
    """An answer under way on another branch is nobody's to resume; it goes on all the same."""
    running = await an_asked(turns, session_id=talk[0].turn.session_id)
    path = f"{path_of(talk[0])}/active"
    assert (await http.get(path)).json()["answer_id"] == str(running.turn.answer_id)

    await show(http, talk[0], talk[2].turn.answer_id)

    assert problem(await http.get(path)) == (404, "no_active_answer")
    await show(http, talk[0], running.turn.answer_id)
    assert (await http.get(path)).json()["status"] == "opened"


async def test_a_share_is_of_the_branch_that_was_shown(http: httpx.AsyncClient, talk: list[QuestionAsked]) -> None:
    """And stays what it was."""
    await show(http, talk[0], talk[2].turn.answer_id)
    share = (await http.post(f"{path_of(talk[0])}/shares")).json()
    await show(http, talk[0], talk[4].turn.answer_id)

    page = (await http.get(f"/v1/shares/{share['token']}/messages")).json()["items"]

    assert contents(page) == ["First?", "One.", "Second?", "Two.", "Third?", "Three."]


async def test_an_export_of_everything_has_all_branches(http: httpx.AsyncClient, talk: list[QuestionAsked]) -> None:
    """In JSON, each message with the one that it follows; one session, and Markdown, are as they are shown."""
    one = (await http.get(f"{path_of(talk[0])}/export")).json()["messages"]
    [everything] = (await http.get("/v1/sessions/export")).json()["sessions"]
    markdown = (await http.get("/v1/sessions/export", params={"format": "markdown"})).text

    assert contents(one) == ["First?", "One.", "Second, please?", "Two, please."]
    assert "Two, please." in markdown
    assert "Two, again." not in markdown
    names = {message["id"]: message["content"] for message in everything["messages"]}
    follows = [(message["content"], names.get(message["follows"])) for message in everything["messages"]]
    assert follows == [
        *(("First?", None), ("One.", "First?"), ("Second?", "One."), ("Two.", "Second?")),
        *(("Third?", "Two."), ("Three.", "Third?"), ("Second?", "One."), ("Two, again.", "Second?")),
        *(("Second, please?", "One."), ("Two, please.", "Second, please?")),
    ]


async def test_what_is_found_on_another_branch_can_be_shown(http: httpx.AsyncClient, talk: list[QuestionAsked]) -> None:
    """A search looks through all that was said."""
    [hit] = (await http.get("/v1/sessions/search", params={"q": "Three"})).json()["items"]

    assert (await show(http, talk[0], hit["message_id"])).status_code == 200
    assert contents(await shown(http, talk[0]))[-1] == "Three."
