"""A deletion can be taken back for a while; then nothing is left, and nothing comes back."""

import asyncio

import asyncpg
import httpx
import pytest

from history_service.deletions import PURGE_BATCH, PostgresDeletions
from history_service.open_turn import open_turn
from history_service.outcomes import Accepted, Finished
from history_service.record_answer import SESSION_DELETED, record_answer
from history_service.turns import PostgresTurns
from libs.contracts.events import QuestionAsked
from tests.builders import a_question, an_answer
from tests.integration.history.api_calls import ANN, UNDO_SECONDS, an_answered, an_asked, as_, ids, problem

LONG_AGO = "UPDATE chat_sessions SET deleted_at = deleted_at - make_interval(secs => $1) WHERE deleted_at IS NOT NULL"


@pytest.fixture
def deletions(pool: asyncpg.Pool) -> PostgresDeletions:
    return PostgresDeletions(pool, undo_seconds=UNDO_SECONDS)


def path_of(asked: QuestionAsked) -> str:
    return f"/v1/sessions/{asked.turn.session_id}"


async def test_a_deleted_session_is_restored(http: httpx.AsyncClient, turns: PostgresTurns) -> None:
    """As it was, with all its messages, its title and its place in the list; also when that is said twice."""
    asked, later = await an_answered(turns), await an_answered(turns)
    path = path_of(asked)
    before = (await http.get(path)).json(), (await http.get(f"{path}/messages")).json()
    await http.delete(path)

    restored = [await http.post(f"{path}/restore") for _ in range(2)]

    assert [response.json() for response in restored] == [before[0], before[0]]
    assert (await http.get(f"{path}/messages")).json() == before[1]
    assert await ids(http, "/v1/sessions") == [str(later.turn.session_id), str(asked.turn.session_id)]


async def test_what_can_be_restored_is_listed(http: httpx.AsyncClient, turns: PostgresTurns) -> None:
    """To its owner, with the time until which it can be; what cannot be any more is not."""
    await an_asked(turns)
    asked = await an_answered(turns)
    for_good = await an_answered(turns)
    await http.delete(path_of(asked))
    await http.delete(path_of(for_good), params={"for_good": True})

    [listed] = (await http.get("/v1/sessions", params={"deleted": True})).json()["items"]

    assert listed["id"] == str(asked.turn.session_id)
    assert listed["deleted_at"] < listed["restorable_until"]
    assert (await http.get("/v1/sessions", params={"deleted": True}, headers=as_("bob"))).json()["items"] == []
    assert problem(await http.post(f"{path_of(for_good)}/restore")) == (404, "session_not_found")


async def test_after_its_time_a_session_is_restored_no_more(
    http: httpx.AsyncClient, pool: asyncpg.Pool, turns: PostgresTurns
) -> None:
    """Whether or not it was forgotten by then."""
    asked = await an_answered(turns)
    await http.delete(path_of(asked))
    await pool.execute(LONG_AGO, UNDO_SECONDS)

    assert problem(await http.post(f"{path_of(asked)}/restore")) == (404, "session_not_found")
    assert (await http.get("/v1/sessions", params={"deleted": True})).json()["items"] == []


async def test_the_sweeper_forgets_what_was_said(
    http: httpx.AsyncClient, pool: asyncpg.Pool, turns: PostgresTurns, deletions: PostgresDeletions
) -> None:
    """All of it, however many sessions, when their time is over and not before; a tombstone stays of each."""
    kept, lately = await an_answered(turns), await an_answered(turns)
    overdue = [await an_answered(turns, question="A secret?") for _ in range(PURGE_BATCH + 1)]
    for asked in overdue:
        await http.delete(path_of(asked))
    await pool.execute(LONG_AGO, UNDO_SECONDS)
    await http.delete(path_of(lately))

    await asyncio.gather(deletions.purge(), deletions.purge())
    await deletions.purge()

    rows = await pool.fetch("SELECT DISTINCT session_id FROM chat_messages")
    assert {row["session_id"] for row in rows} == {kept.turn.session_id, lately.turn.session_id}
    assert await pool.fetchval("SELECT count(*) FROM chat_sessions WHERE title = ''") == len(overdue)
    again = await open_turn(a_question(session_id=overdue[0].turn.session_id, principal=ANN), store=turns)
    assert isinstance(again, Finished)


async def test_late_events_do_not_bring_a_session_back(http: httpx.AsyncClient, turns: PostgresTurns) -> None:
    """Neither the answer under way nor the question again, as long as it is deleted."""
    asked = await an_asked(turns)
    await http.delete(path_of(asked))

    recorded = await record_answer(an_answer(turn=asked.turn), store=turns)
    opened = await open_turn(asked, store=turns)

    assert recorded.ended.failure == SESSION_DELETED
    assert isinstance(opened, Finished)
    assert await ids(http, "/v1/sessions") == []


async def test_nothing_stands_open_in_a_restored_session(http: httpx.AsyncClient, turns: PostgresTurns) -> None:
    """What was under way or waited counts as cancelled, whatever comes late, and the session goes on."""
    first = await an_asked(turns)
    second = await an_asked(turns, session_id=first.turn.session_id)
    await http.delete(path_of(first))
    await http.post(f"{path_of(first)}/restore")

    late = await record_answer(an_answer("Late.", turn=first.turn), store=turns)
    following = await open_turn(a_question(session_id=first.turn.session_id, principal=ANN), store=turns)

    assert (late.ended.status, late.opens) == ("cancelled", None)
    assert isinstance(following, Accepted)
    assert following.opens is not None
    for asked in (first, second):
        answer = (await http.get(f"{path_of(first)}/messages/{asked.turn.answer_id}")).json()
        assert (answer["status"], answer["content"]) == ("cancelled", "")
