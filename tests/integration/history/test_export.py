"""People take with them what is theirs, for reading and for programs."""

import httpx
import pytest

from history_service.export import PAGE
from history_service.turns import PostgresTurns
from tests.integration.history.api_calls import BOB, an_answered, an_asked, as_, problem


async def test_a_session_is_exported_as_the_api_shows_it(http: httpx.AsyncClient, turns: PostgresTurns) -> None:
    """In JSON: all its messages in order, also when they are more than one page."""
    asked = await an_answered(turns)
    for _ in range(PAGE // 2):
        await an_answered(turns, session_id=asked.turn.session_id)
    path = f"/v1/sessions/{asked.turn.session_id}"

    response = await http.get(f"{path}/export")

    messages = (await http.get(f"{path}/messages", params={"limit": 100})).json()["items"]
    exported = response.json()
    assert response.headers["content-disposition"] == f'attachment; filename="chat-{asked.turn.session_id}.json"'
    assert (exported["title"], exported["messages"][:100]) == (asked.turn.question, messages)
    assert len(exported["messages"]) == PAGE + 2


async def test_a_session_is_exported_for_reading(http: httpx.AsyncClient, turns: PostgresTurns) -> None:
    """In Markdown: who said what, answers as they were written, the title as nothing but text."""
    asked = await an_answered(turns, "It takes **ten** seconds.", question="How <long>?")

    response = await http.get(f"/v1/sessions/{asked.turn.session_id}/export", params={"format": "markdown"})

    assert response.headers["content-type"] == "text/markdown; charset=utf-8"
    lines = response.text.splitlines()
    assert lines[0] == "# How \\<long\\>?"
    assert [line.partition(",")[0] for line in lines if line.startswith("## ")] == ["## You", "## Assistant"]
    assert {"How <long>?", "It takes **ten** seconds."} <= set(lines)


async def test_everything_is_exported_at_once(http: httpx.AsyncClient, turns: PostgresTurns) -> None:
    """Every session of the caller's, nobody else's, and none that was deleted."""
    asked = [await an_answered(turns) for _ in range(3)]
    await an_answered(turns, principal=BOB)
    await http.delete(f"/v1/sessions/{asked[0].turn.session_id}")

    exported = (await http.get("/v1/sessions/export")).json()["sessions"]
    markdown = await http.get("/v1/sessions/export", params={"format": "markdown"})

    assert [one["id"] for one in exported] == [str(one.turn.session_id) for one in (asked[2], asked[1])]
    assert [len(one["messages"]) for one in exported] == [2, 2]
    assert sum(line.startswith("# ") for line in markdown.text.splitlines()) == 2


@pytest.mark.parametrize("form", ["json", "markdown"])
async def test_who_has_nothing_gets_an_empty_file(http: httpx.AsyncClient, form: str) -> None:
    """Which is one all the same."""
    response = await http.get("/v1/sessions/export", params={"format": form})

    assert response.status_code == 200
    assert response.text in {'{"sessions": []}\n', ""}


async def test_nobody_exports_what_is_not_theirs(http: httpx.AsyncClient, turns: PostgresTurns) -> None:
    """And there are no other formats."""
    asked = await an_asked(turns)
    path = f"/v1/sessions/{asked.turn.session_id}/export"

    assert problem(await http.get(path, headers=as_("bob"))) == (404, "session_not_found")
    assert problem(await http.get(path, params={"format": "html"})) == (422, "invalid_request")
