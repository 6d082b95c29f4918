"""People find what was said in their own sessions."""

from typing import Any

import httpx
import pytest

from history_service.search import Snippet, snippet_of
from history_service.turns import PostgresTurns
from tests.integration.history.api_calls import BOB, an_answered, an_asked, as_, pages, problem

PATH = "/v1/sessions/search"


async def found(http: httpx.AsyncClient, q: str, **params: Any) -> list[dict[str, Any]]:
    return [item async for page in pages(http, PATH, q=q, **params) for item in page]


async def test_questions_and_answers_are_found(http: httpx.AsyncClient, turns: PostgresTurns) -> None:
    """Latest first, with the session that each is of and the words that were found."""
    asked = await an_answered(turns, "A transfer takes ten seconds.", question="How long?\nA <b>transfer</b>?")
    await an_answered(turns, "Cards are free.", question="What is free?")

    answer, question = await found(http, "transfer")

    assert [answer["message_id"], question["message_id"]] == [str(asked.turn.answer_id), str(asked.turn.question_id)]
    assert (answer["session_id"], answer["session_title"]) == (str(asked.turn.session_id), "How long?")
    assert [answer["role"], question["role"]] == ["assistant", "user"]
    for hit in (answer, question):
        text, marks = hit["snippet"]["text"], hit["snippet"]["marks"]
        assert [text[mark["start"] : mark["end"]].lower() for mark in marks] == ["transfer"]
    assert question["snippet"]["text"].startswith("How long?")


@pytest.mark.parametrize(
    ("q", "is_found"),
    [
        ("transfers", True),
        ("TRANSFER taking", True),
        ('"ten seconds"', True),
        ('"seconds ten"', False),
        ("transfer -seconds", False),
        ("nothing or seconds", True),
        ("transfer nothing", False),
        ("the", True),
        ("Überweisung", True),
        ("", False),
        ("-", False),
        ("') & !('", False),
        ("a\u0000b\ud7ff", False),
    ],
)
async def test_a_query_is_what_people_type(
    http: httpx.AsyncClient, turns: PostgresTurns, q: str, *, is_found: bool
) -> None:
    """Words in any form and order, phrases, alternatives and exclusions; nothing they type is an error."""
    await an_answered(turns, "The transfer takes ten seconds.", question="Eine Überweisung?")

    assert bool(await found(http, q)) is is_found


async def test_nobody_finds_what_is_not_theirs(http: httpx.AsyncClient, turns: PostgresTurns) -> None:
    """Nor what they deleted."""
    await an_answered(turns, "A secret transfer.", principal=BOB)
    deleted = await an_answered(turns, "A deleted transfer.")
    await http.delete(f"/v1/sessions/{deleted.turn.session_id}")

    assert await found(http, "transfer") == []
    assert len((await http.get(PATH, params={"q": "secret"}, headers=as_("bob"))).json()["items"]) == 1


async def test_pages_of_what_was_found_neither_repeat_nor_skip(http: httpx.AsyncClient, turns: PostgresTurns) -> None:
    """Whatever their size, and when more is said in between."""
    for _ in range(5):
        await an_asked(turns, question="A transfer?")
    whole = [hit["message_id"] for hit in await found(http, "transfer")]
    seen: list[str] = []

    async for page in pages(http, PATH, q="transfer", limit=2):
        seen += [hit["message_id"] for hit in page]
        await an_asked(turns, question="A transfer?")

    assert len(whole) == 5
    assert seen == whole


@pytest.mark.parametrize("params", [{}, {"q": "x" * 201}, {"q": "x", "limit": 101}, {"q": "x", "cursor": "bTE"}])
async def test_a_bad_search_is_refused(http: httpx.AsyncClient, params: dict[str, str]) -> None:
    """With what is wrong about it."""
    assert problem(await http.get(PATH, params=params))[0] == 422


async def test_a_long_message_is_shown_in_pieces(http: httpx.AsyncClient, turns: PostgresTurns) -> None:
    """Around what was found, not the whole of it."""
    await an_answered(turns, "word " * 2_000 + "the transfer is free " + "word " * 2_000)

    [hit, *_] = await found(http, "transfer")

    assert "transfer is free" in hit["snippet"]["text"]
    assert len(hit["snippet"]["text"]) < 500


def test_marks_become_positions() -> None:
    """Also side by side and at both ends; what was not closed is text."""
    assert snippet_of("\ue000a\ue001 b \ue000cd\ue001") == Snippet("a b cd", ((0, 1), (4, 6)))
    assert snippet_of("none") == Snippet("none", ())
    assert snippet_of("a \ue000b") == Snippet("a b", ())
