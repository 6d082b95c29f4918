"""Anybody else's sessions are not there, whatever is asked and however."""

from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from history_service.turns import PostgresTurns
from libs.contracts.ids import session_uuid
from tests.integration.history.api_calls import ANN, BOB, an_asked, as_, problem

ROUTES = [
    ("GET", "", None),
    ("PATCH", "", {"title": "Mine now"}),
    ("DELETE", "", None),
    ("DELETE", "?for_good=true", None),
    ("POST", "/restore", None),
    ("GET", "/export", None),
    ("GET", "/shares", None),
    ("POST", "/shares", None),
    ("GET", "/active", None),
    ("GET", "/messages", None),
    ("GET", "/messages/{answer_id}", None),
    ("GET", "/messages/{question_id}", None),
    ("PUT", "/messages/{answer_id}/feedback", {"rating": "up"}),
    ("DELETE", "/messages/{answer_id}/feedback", None),
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

    assert len(operations) >= 8
    for (path, method), operation in operations.items():
        assert operation["description"]
        assert operation["security"] == [{"Cognito": []}, {"ApiKey": []}]
        expected = {"401", "422", "503", *({"404"} if "{" in path else set())}
        assert expected <= set(operation["responses"])
        if method != "delete" and not path.endswith("/export"):
            [good] = {"200", "201"} & operation["responses"].keys()
            assert "$ref" in operation["responses"][good]["content"]["application/json"]["schema"]


@pytest.mark.parametrize(("name", "method"), [("search", "GET"), ("export", "GET"), ("claim", "POST")])
async def test_a_route_of_its_own_is_no_session(http: httpx.AsyncClient, name: str, method: str) -> None:
    """It says which methods it has, not those of a session of this name."""
    response = await http.request("PUT", f"/v1/sessions/{name}")

    assert problem(response) == (405, "method_not_allowed")
    assert response.headers["allow"] == method
