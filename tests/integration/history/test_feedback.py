"""People say whether an answer was good."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from history_service.turns import PostgresTurns
from libs.contracts.events import QuestionAsked
from tests.integration.history.api_calls import an_answered, an_asked, as_, problem


def path_of(asked: QuestionAsked, message_id: object = None) -> str:
    return f"/v1/sessions/{asked.turn.session_id}/messages/{message_id or asked.turn.answer_id}"


async def test_a_thumb_is_kept_with_the_answer(http: httpx.AsyncClient, turns: PostgresTurns) -> None:
    """With its reason; a later one takes its place, and it can be taken back."""
    asked = await an_answered(turns)
    path = path_of(asked)

    first = await http.put(f"{path}/feedback", json={"rating": "down", "reason": "  Too short.\u0000 "})
    stored = (await http.get(path)).json()["feedback"]
    await http.put(f"{path}/feedback", json={"rating": "up"})
    changed = (await http.get(path)).json()["feedback"]
    taken_back = [(await http.delete(f"{path}/feedback")).status_code for _ in range(2)]

    assert first.json() == stored
    assert (stored["rating"], stored["reason"]) == ("down", "Too short.\N{REPLACEMENT CHARACTER}")
    assert (changed["rating"], changed["reason"]) == ("up", None)
    assert taken_back == [204, 204]
    assert (await http.get(path)).json()["feedback"] is None


async def test_a_list_shows_thumbs(http: httpx.AsyncClient, turns: PostgresTurns) -> None:
    """Of answers; questions have none."""
    asked = await an_answered(turns)
    await http.put(f"{path_of(asked)}/feedback", json={"rating": "up"})

    items = (await http.get(f"/v1/sessions/{asked.turn.session_id}/messages")).json()["items"]

    assert [item["feedback"] and item["feedback"]["rating"] for item in items] == [None, "up"]


async def test_only_an_answer_that_has_ended_is_rated(http: httpx.AsyncClient, turns: PostgresTurns) -> None:
    """Neither a question nor what is being written."""
    asked = await an_asked(turns)

    for message_id in (asked.turn.question_id, asked.turn.answer_id):
        response = await http.put(f"{path_of(asked, message_id)}/feedback", json={"rating": "up"})
        assert problem(response) == (409, "not_ratable")


@pytest.mark.parametrize(
    "body", [{}, {"rating": "yes"}, {"rating": "up", "reason": "x" * 2001}, {"rating": "up", "more": 1}]
)
async def test_bad_feedback_is_refused(http: httpx.AsyncClient, turns: PostgresTurns, body: dict[str, Any]) -> None:
    """With the field that is wrong."""
    asked = await an_answered(turns)

    assert problem(await http.put(f"{path_of(asked)}/feedback", json=body)) == (422, "invalid_request")


async def test_nobody_rates_what_is_not_theirs(http: httpx.AsyncClient, turns: PostgresTurns) -> None:
    """Somebody else's answer answers exactly like a missing one, and keeps what its owner said."""
    asked = await an_answered(turns)
    await http.put(f"{path_of(asked)}/feedback", json={"rating": "up"})

    for method, body in (("PUT", {"rating": "down"}), ("DELETE", None)):
        theirs = await http.request(method, f"{path_of(asked)}/feedback", json=body, headers=as_("bob"))
        missing = await http.request(method, f"{path_of(asked, uuid4())}/feedback", json=body, headers=as_("bob"))
        assert problem(theirs) == (404, "message_not_found")
        assert theirs.content == missing.content
    assert (await http.get(path_of(asked))).json()["feedback"]["rating"] == "up"
