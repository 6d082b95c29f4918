"""People read, rename and delete their own sessions."""

from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from history_service.record_answer import record_answer
from history_service.turns import PostgresTurns
from libs.contracts.values import Citation, Timings, Usage
from tests.builders import a_passage, an_answer
from tests.integration.history.api_calls import BOB, an_answered, an_asked, ids, pages, problem


async def test_sessions_are_listed_latest_first(http: httpx.AsyncClient, turns: PostgresTurns) -> None:
    """Called after their first question; only the caller's."""
    first = await an_asked(turns, question="First?\nMore.")
    second = await an_asked(turns, question="Second?")
    await an_asked(turns, principal=BOB)
    await record_answer(an_answer(turn=first.turn), store=turns)

    response = await http.get("/v1/sessions")

    assert [(item["id"], item["title"]) for item in response.json()["items"]] == [
        (str(first.turn.session_id), "First?"),
        (str(second.turn.session_id), "Second?"),
    ]
    assert response.json()["next_cursor"] is None
    assert response.json()["items"][0]["updated_at"].endswith("Z")


async def test_pages_of_sessions_neither_repeat_nor_skip(
    http: httpx.AsyncClient, pool: asyncpg.Pool, turns: PostgresTurns
) -> None:
    """Also when many share one moment, and when new ones come and seen ones move between two pages."""
    asked = [await an_asked(turns) for _ in range(7)]
    await pool.execute("UPDATE chat_sessions SET updated_at = '2026-01-01T00:00:00.123456Z'")
    seen: list[str] = []

    async for page in pages(http, "/v1/sessions", limit=2):
        assert len(page) <= 2
        seen += [item["id"] for item in page]
        await an_asked(turns)
        await an_asked(turns, session_id=UUID(seen[0]))

    assert sorted(seen) == sorted(str(question.turn.session_id) for question in asked)


@pytest.mark.parametrize("order", ["oldest", "newest"])
async def test_pages_of_messages_are_in_order(http: httpx.AsyncClient, turns: PostgresTurns, order: str) -> None:
    """Question, answer, question, answer; from either end, whatever the size of a page."""
    first = await an_answered(turns)
    later = [await an_answered(turns, session_id=first.turn.session_id) for _ in range(3)]
    expected = [str(id_) for asked in (first, *later) for id_ in (asked.turn.question_id, asked.turn.answer_id)]
    path = f"/v1/sessions/{first.turn.session_id}/messages"

    for limit in (1, 3, 8, 100):
        seen = await ids(http, path, order=order, limit=limit)
        assert seen == (expected if order == "oldest" else expected[::-1])


async def test_new_messages_do_not_disturb_pages(http: httpx.AsyncClient, turns: PostgresTurns) -> None:
    """What is read from the newest back stays where it is."""
    first = await an_answered(turns)
    second = await an_answered(turns, session_id=first.turn.session_id)
    seen: list[str] = []

    async for page in pages(http, f"/v1/sessions/{first.turn.session_id}/messages", order="newest", limit=1):
        seen += [item["id"] for item in page]
        await an_answered(turns, session_id=first.turn.session_id)

    turn_ids = [id_ for asked in (second, first) for id_ in (asked.turn.answer_id, asked.turn.question_id)]
    assert seen == [str(id_) for id_ in turn_ids]


async def test_an_answer_is_shown_with_all_that_belongs_to_it(http: httpx.AsyncClient, turns: PostgresTurns) -> None:
    """Citations, usage, model, timings, digest; the question has none of it."""
    asked = await an_asked(turns)
    citation = Citation(number=1, quote="within ten seconds", **a_passage().model_dump(exclude={"text", "score"}))
    written = an_answer(
        "Ten seconds [1].",
        turn=asked.turn,
        citations=(citation,),
        model="m-1",
        usage=Usage(input_tokens=7, output_tokens=3),
        timings=Timings(first_token_seconds=0.25),
    )
    finished = await record_answer(written, store=turns)

    response = await http.get(f"/v1/sessions/{asked.turn.session_id}/messages/{asked.turn.answer_id}")
    question = await http.get(f"/v1/sessions/{asked.turn.session_id}/messages/{asked.turn.question_id}")

    answer = response.json()
    assert (answer["role"], answer["status"], answer["content"]) == ("assistant", "completed", "Ten seconds [1].")
    # Its document is not there: test_citation_rights.py says what is shown of one that is.
    assert [shown["number"] for shown in answer["citations"]] == [1]
    assert answer["usage"] == {"input_tokens": 7, "output_tokens": 3}
    assert (answer["model"], answer["timings"]["first_token_seconds"]) == ("m-1", 0.25)
    assert answer["digest"] == finished.ended.digest
    assert answer["completed_at"] is not None
    assert (question.json()["role"], question.json()["content"]) == ("user", asked.turn.question)
    assert (question.json()["status"], question.json()["citations"]) == (None, [])


async def test_the_answer_in_progress_is_the_earliest_unfinished(http: httpx.AsyncClient, turns: PostgresTurns) -> None:
    """What a client that resumes attaches to; none when all have ended."""
    first = await an_asked(turns)
    second = await an_asked(turns, session_id=first.turn.session_id)
    path = f"/v1/sessions/{first.turn.session_id}/active"

    before = await http.get(path)
    await record_answer(an_answer(turn=second.turn, status="cancelled"), store=turns)
    await record_answer(an_answer(turn=first.turn), store=turns)

    assert before.json() == {
        "answer_id": str(first.turn.answer_id),
        "question_id": str(first.turn.question_id),
        "status": "opened",
    }
    assert problem(await http.get(path)) == (404, "no_active_answer")


async def test_a_session_is_renamed_where_it_stands(http: httpx.AsyncClient, turns: PostgresTurns) -> None:
    """A new title is no activity: the order of the list stays."""
    first, second = await an_asked(turns), await an_asked(turns)
    path = f"/v1/sessions/{first.turn.session_id}"

    renamed = await http.patch(path, json={"title": "  A\tnew\u202e name "})

    assert renamed.json()["title"] == "A new name"
    assert (await http.get(path)).json() == renamed.json()
    assert await ids(http, "/v1/sessions") == [str(second.turn.session_id), str(first.turn.session_id)]


@pytest.mark.parametrize(
    "body",
    [{}, {"title": ""}, {"title": " \n\u200b"}, {"title": "x" * 201}, {"title": 1}, {"title": "a", "user_id": 1}],
)
async def test_a_bad_title_is_refused(http: httpx.AsyncClient, turns: PostgresTurns, body: dict[str, Any]) -> None:
    """With the field that is wrong."""
    asked = await an_asked(turns)

    response = await http.patch(f"/v1/sessions/{asked.turn.session_id}", json=body)

    assert problem(response) == (422, "invalid_request")
    assert response.json()["errors"]


async def test_a_deleted_session_is_gone(http: httpx.AsyncClient, pool: asyncpg.Pool, turns: PostgresTurns) -> None:
    """From every route; deleted for good, nothing that anybody wrote is left in the database."""
    asked = await an_answered(turns, question="A secret?")
    path = f"/v1/sessions/{asked.turn.session_id}"

    assert (await http.delete(path)).status_code == 204

    assert problem(await http.delete(path)) == (404, "session_not_found")
    for suffix in ("", "/messages", f"/messages/{asked.turn.answer_id}", "/active"):
        assert (await http.get(path + suffix)).status_code == 404
    assert (await http.get("/v1/sessions")).json()["items"] == []
    assert (await http.delete(path, params={"for_good": True})).status_code == 204
    assert problem(await http.delete(path, params={"for_good": True})) == (404, "session_not_found")
    assert await pool.fetchval("SELECT count(*) FROM chat_messages") == 0
    assert await pool.fetchval("SELECT title FROM chat_sessions") == ""
