"""People read, rename and delete their own sessions; anybody else's are not there."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from history_service.api import messages_router, sessions_router
from history_service.messages import PostgresMessages
from history_service.open_turn import open_turn
from history_service.record_answer import record_answer
from history_service.sessions import PostgresSessions
from history_service.turns import PostgresTurns
from libs.auth.http import authenticated
from libs.contracts.events import QuestionAsked
from libs.contracts.ids import session_uuid
from libs.contracts.values import Citation, Principal, Timings, Usage
from libs.errors import RequestError
from libs.service.app import build_app
from libs.service.health import Health
from tests.builders import a_passage, a_principal, a_question, an_answer


class Tokens:
    """A verifier that knows who a token belongs to without any cryptography."""

    def __init__(self, **principals: Principal) -> None:
        self._principals = principals

    async def verify(self, token: str) -> Principal:
        if token not in self._principals:
            raise RequestError("No such token.", status=401, code="invalid_token")
        return self._principals[token]


ANN, BOB = a_principal(), a_principal(is_guest=True)


@pytest.fixture
async def http(pool: asyncpg.Pool) -> AsyncIterator[httpx.AsyncClient]:
    """Ann's client."""
    principal = authenticated(Tokens(ann=ANN, bob=BOB))
    app = build_app(
        "history-api",
        title="Sessions",
        health=Health(),
        routers=[
            sessions_router(PostgresSessions(pool, reader=pool), principal=principal),
            messages_router(PostgresMessages(pool, reader=pool), principal=principal),
        ],
    )
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url="http://history", headers=as_("ann")
    ) as client:
        yield client


def as_(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {name}"}


async def an_asked(turns: PostgresTurns, **given: Any) -> QuestionAsked:
    """A question of Ann's that is stored."""
    asked = a_question(**{"principal": ANN, **given})
    await open_turn(asked, store=turns)
    return asked


async def an_answered(turns: PostgresTurns, text: str = "Ten seconds.", **given: Any) -> QuestionAsked:
    asked = await an_asked(turns, **given)
    await record_answer(an_answer(text, turn=asked.turn), store=turns)
    return asked


def problem(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/problem+json"
    return response.status_code, response.json()["code"]


async def pages(http: httpx.AsyncClient, path: str, **params: Any) -> AsyncIterator[list[dict[str, Any]]]:
    """The items of each page until there is no next one."""
    while True:
        response = await http.get(path, params=params)
        assert response.status_code == 200, response.text
        yield response.json()["items"]
        if response.json()["next_cursor"] is None:
            return
        params["cursor"] = response.json()["next_cursor"]


async def ids(http: httpx.AsyncClient, path: str, **params: Any) -> list[str]:
    return [item["id"] async for page in pages(http, path, **params) for item in page]


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
    assert answer["citations"] == [citation.model_dump(mode="json")]
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
    """From every route, and nothing that anybody wrote is left in the database."""
    asked = await an_answered(turns, question="A secret?")
    path = f"/v1/sessions/{asked.turn.session_id}"

    assert (await http.delete(path)).status_code == 204

    assert problem(await http.delete(path)) == (404, "session_not_found")
    for suffix in ("", "/messages", f"/messages/{asked.turn.answer_id}", "/active"):
        assert (await http.get(path + suffix)).status_code == 404
    assert (await http.get("/v1/sessions")).json()["items"] == []
    assert await pool.fetchval("SELECT count(*) FROM chat_messages") == 0
    assert await pool.fetchval("SELECT title FROM chat_sessions") == ""


ROUTES = [
    ("GET", "", None),
    ("PATCH", "", {"title": "Mine now"}),
    ("DELETE", "", None),
    ("GET", "/active", None),
    ("GET", "/messages", None),
    ("GET", "/messages/{answer_id}", None),
    ("GET", "/messages/{question_id}", None),
]


@pytest.mark.parametrize(("method", "suffix", "body"), ROUTES)
async def test_somebody_elses_session_answers_exactly_like_a_missing_one(
    http: httpx.AsyncClient, pool: asyncpg.Pool, turns: PostgresTurns, method: str, suffix: str, body: Any
) -> None:
    """On every route, byte for byte; and nothing of it changes."""
    asked = await an_asked(turns)
    suffix = suffix.format(answer_id=asked.turn.answer_id, question_id=asked.turn.question_id)
    before = await pool.fetch("SELECT * FROM chat_sessions")

    theirs = await http.request(method, f"/v1/sessions/{asked.turn.session_id}{suffix}", json=body, headers=as_("bob"))
    missing = await http.request(method, f"/v1/sessions/{uuid4()}{suffix}", json=body, headers=as_("bob"))

    assert theirs.status_code == 404
    assert (theirs.content, dict(theirs.headers)) == (missing.content, dict(missing.headers))
    assert await pool.fetch("SELECT * FROM chat_sessions") == before


async def test_a_message_is_read_in_its_own_session_only(http: httpx.AsyncClient, turns: PostgresTurns) -> None:
    """The owner's other session does not have it, nor does the session of a stranger who knows its id."""
    asked, other = await an_asked(turns), await an_asked(turns)
    strangers = await an_asked(turns, principal=BOB)

    for session_id, name in ((other.turn.session_id, "ann"), (strangers.turn.session_id, "bob")):
        response = await http.get(f"/v1/sessions/{session_id}/messages/{asked.turn.answer_id}", headers=as_(name))
        assert problem(response) == (404, "message_not_found")


@pytest.mark.parametrize(("method", "suffix", "body"), [*ROUTES, ("GET", None, None)])
async def test_without_a_token_there_is_nothing(
    http: httpx.AsyncClient, method: str, suffix: str | None, body: Any
) -> None:
    """Every route asks for one, and for one that is accepted."""
    path = "/v1/sessions" if suffix is None else f"/v1/sessions/{uuid4()}{suffix}"
    del http.headers["Authorization"]

    assert (await http.request(method, path, json=body)).status_code == 401
    assert (await http.request(method, path, json=body, headers=as_("eve"))).status_code == 401


async def test_a_client_may_use_its_own_session_id(http: httpx.AsyncClient, turns: PostgresTurns) -> None:
    """The same id means another session for somebody else."""
    asked = await an_asked(turns, session_id=session_uuid("my-chat_1", ANN))

    mine = await http.get("/v1/sessions/my-chat_1")
    theirs = await http.get("/v1/sessions/my-chat_1", headers=as_("bob"))

    assert mine.json()["id"] == str(asked.turn.session_id)
    assert problem(theirs) == (404, "session_not_found")


@pytest.mark.parametrize("bad", ["x" * 65, "a.b", "a%20b", "%00", "a%2Fb", "%F0%9F%92%A9", "'%20OR%201=1"])
async def test_a_malformed_id_is_not_there(http: httpx.AsyncClient, turns: PostgresTurns, bad: str) -> None:
    """Like any other id the caller does not have."""
    asked = await an_asked(turns)

    assert (await http.get(f"/v1/sessions/{bad}")).status_code == 404
    assert (await http.get(f"/v1/sessions/{asked.turn.session_id}/messages/{bad}")).status_code == 404


@pytest.mark.parametrize("path", ["/v1/sessions", "/v1/sessions/{id}/messages"])
async def test_bad_parameters_are_refused(http: httpx.AsyncClient, turns: PostgresTurns, path: str) -> None:
    """A page has 1 to 100 items; a cursor is ours."""
    asked = await an_asked(turns)
    path = path.format(id=asked.turn.session_id)

    for limit in ("0", "101", "x"):
        assert problem(await http.get(path, params={"limit": limit})) == (422, "invalid_request")
    assert problem(await http.get(path, params={"cursor": "nonsense"})) == (422, "invalid_cursor")
    assert problem(await http.get(path, params={"cursor": "x" * 129})) == (422, "invalid_request")


async def test_a_cursor_shows_nothing_of_somebody_else(http: httpx.AsyncClient, turns: PostgresTurns) -> None:
    """Taken to another caller it is a place in their own list."""
    for _ in range(3):
        await an_asked(turns)
    theirs = await an_asked(turns, principal=BOB)
    cursor = (await http.get("/v1/sessions", params={"limit": 1})).json()["next_cursor"]

    response = await http.get("/v1/sessions", params={"cursor": cursor}, headers=as_("bob"))

    assert {item["id"] for item in response.json()["items"]} <= {str(theirs.turn.session_id)}


async def test_every_route_is_described(http: httpx.AsyncClient) -> None:
    """OpenAPI names the model of every answer and the problems that may come instead."""
    paths = (await http.get("/openapi.json")).json()["paths"]
    operations = {
        (path, method): operation
        for path, methods in paths.items()
        if path.startswith("/v1/")
        for method, operation in methods.items()
    }

    assert len(operations) == 7
    for (path, method), operation in operations.items():
        assert operation["description"]
        assert operation["security"] == [{"Cognito": []}]
        expected = {"401", "422", "503", *({"404"} if "{" in path else set())}
        assert expected <= set(operation["responses"])
        if method != "delete":
            assert "$ref" in operation["responses"]["200"]["content"]["application/json"]["schema"]
