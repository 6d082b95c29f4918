"""People show others what was answered, as it was at a moment, by the rights of whoever looks."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import asyncpg
import httpx

from history_service.shares import SHARES_MAX
from history_service.turns import PostgresTurns
from libs.contracts.events import QuestionAsked
from libs.contracts.values import Citation
from tests.builders import a_passage, an_answer
from tests.integration.history.api_calls import BOB, an_answered, an_asked, as_, ids, pages, problem

STRANGER = as_("bob")


async def shared(http: httpx.AsyncClient, asked: QuestionAsked, **headers: str) -> Mapping[str, Any]:
    """A link to the session as it is."""
    response = await http.post(f"{path_of(asked)}/shares", headers=headers)
    assert response.status_code == 201, response.text
    share: Mapping[str, Any] = response.json()
    return share


def path_of(asked: QuestionAsked) -> str:
    return f"/v1/sessions/{asked.turn.session_id}"


async def seen(http: httpx.AsyncClient, share: Mapping[str, Any]) -> list[str]:
    """What a stranger with the link reads."""
    http.headers.update(STRANGER)
    try:
        listed = pages(http, f"/v1/shares/{share['token']}/messages", limit=3)
        return [item["content"] async for page in listed for item in page]
    finally:
        http.headers.update(as_("ann"))


async def test_a_link_shows_the_session_as_it_was(http: httpx.AsyncClient, turns: PostgresTurns) -> None:
    """To whoever has it, guests too; neither later turns, nor what was being written, nor a new title."""
    asked = await an_answered(turns, "Ten seconds.", question="How long?")
    await an_answered(turns, "Free.", question="What does it cost?", session_id=asked.turn.session_id)
    running = await an_asked(turns, session_id=asked.turn.session_id)
    share = await shared(http, asked)
    await turns.record(an_answer("Later.", turn=running.turn), digest="0")
    await http.patch(path_of(asked), json={"title": "Renamed"})

    head = await http.get(f"/v1/shares/{share['token']}", headers=STRANGER)

    assert head.json() == {"title": "How long?", "shared_at": share["created_at"]}
    assert await seen(http, share) == ["How long?", "Ten seconds.", "What does it cost?", "Free."]
    assert len((await http.get(f"{path_of(asked)}/messages")).json()["items"]) == 6


async def test_a_citation_is_shown_by_the_rights_of_who_looks(http: httpx.AsyncClient, turns: PostgresTurns) -> None:
    """Whoever may not read its document today sees that there was one."""
    asked = await an_asked(turns)
    citation = Citation(number=1, quote="a secret", **a_passage().model_dump(exclude={"text", "score"}))
    await turns.record(an_answer("It is so [1].", turn=asked.turn, citations=(citation,)), digest="0")
    share = await shared(http, asked)

    response = await http.get(f"/v1/shares/{share['token']}/messages", headers=STRANGER)

    [shown] = response.json()["items"][1]["citations"]
    assert (shown["number"], shown["availability"], shown["quote"], shown["title"]) == (1, "withheld", "", "")
    assert "secret" not in response.text


async def test_a_link_is_revoked(http: httpx.AsyncClient, turns: PostgresTurns) -> None:
    """By its owner alone; the other links stay, and a stranger's try changes nothing."""
    asked = await an_answered(turns)
    first, second = await shared(http, asked), await shared(http, asked)
    path = f"{path_of(asked)}/shares/{first['id']}"

    theirs = await http.delete(path, headers=STRANGER)
    missing = await http.delete(f"{path_of(asked)}/shares/{uuid4()}", headers=STRANGER)
    assert theirs.content == missing.content
    assert await ids(http, f"{path_of(asked)}/shares", limit=1) == [second["id"], first["id"]]
    assert (await http.delete(path)).status_code == 204

    assert problem(await http.delete(path)) == (404, "share_not_found")
    for token in (first["token"], "x", "%00", "a" * 500):
        assert problem(await http.get(f"/v1/shares/{token}", headers=STRANGER)) == (404, "share_not_found")
    assert (await http.get(f"/v1/shares/{second['token']}", headers=STRANGER)).status_code == 200
    assert await ids(http, "/v1/shares") == [second["id"]]


async def test_a_link_ends_with_its_session(http: httpx.AsyncClient, pool: asyncpg.Pool, turns: PostgresTurns) -> None:
    """It opens nothing while that is deleted, opens again when it is restored, and is forgotten with it."""
    asked = await an_answered(turns)
    share = await shared(http, asked)
    path = f"/v1/shares/{share['token']}"

    await http.delete(path_of(asked))
    deleted = (await http.get(path)).status_code, (await http.get(f"{path}/messages")).status_code
    await http.post(f"{path_of(asked)}/restore")
    restored = (await http.get(path)).status_code
    await http.delete(path_of(asked), params={"for_good": True})

    assert (deleted, restored) == ((404, 404), 200)
    assert await pool.fetchval("SELECT count(*) FROM shares") == 0


async def test_links_move_with_a_claim(http: httpx.AsyncClient, turns: PostgresTurns) -> None:
    """They are the account's to list and to revoke; whoever was given one can still open it."""
    asked = await an_answered(turns, principal=BOB)
    share = await shared(http, asked, **STRANGER)

    await http.post("/v1/sessions/claim", json={"guest_token": "bob"})

    assert await ids(http, "/v1/shares") == [share["id"]]
    assert len(await seen(http, share)) == 2
    assert (await http.get("/v1/shares", headers=STRANGER)).json()["items"] == []


async def test_the_same_key_is_the_same_link(http: httpx.AsyncClient, turns: PostgresTurns) -> None:
    """A request that is repeated makes no second one; tokens are long and never alike."""
    asked = await an_answered(turns)
    headers = {"Idempotency-Key": "k-1"}

    first, again, other = (
        await shared(http, asked, **headers),
        await shared(http, asked, **headers),
        await shared(http, asked),
    )

    assert first == again
    assert first["token"] != other["token"]
    assert len(first["token"]) >= 32


async def test_there_are_bounds(http: httpx.AsyncClient, pool: asyncpg.Pool, turns: PostgresTurns) -> None:
    """Nothing to show is not shared, and a session has so many links at most."""
    unanswered, asked = await an_asked(turns), await an_answered(turns)
    await shared(http, asked)
    await pool.execute(
        "INSERT INTO shares (share_id, session_id, token, title, up_to) "
        "SELECT gen_random_uuid(), session_id, token || n, title, up_to FROM shares, generate_series(2, $1) AS n",
        SHARES_MAX,
    )

    assert problem(await http.post(f"{path_of(unanswered)}/shares")) == (409, "nothing_to_share")
    assert problem(await http.post(f"{path_of(asked)}/shares")) == (409, "too_many_shares")
