"""Who signs in keeps what they asked as a guest."""

import asyncio
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from history_service.claims import PostgresClaims
from history_service.open_turn import open_turn
from history_service.outcomes import Accepted
from history_service.record_answer import record_answer
from history_service.turns import PostgresTurns
from tests.builders import a_principal, a_question, an_answer
from tests.integration.history.api_calls import ANN, BOB, an_answered, an_asked, as_, ids, problem
from tests.polling import eventually

PATH = "/v1/sessions/claim"


async def test_a_guests_sessions_move_to_the_account(http: httpx.AsyncClient, turns: PostgresTurns) -> None:
    """With all their messages, beside the account's own; they are the guest's no more."""
    own = await an_answered(turns)
    guests = [await an_answered(turns, principal=BOB) for _ in range(2)]

    response = await http.post(PATH, json={"guest_token": "bob"})

    assert (response.status_code, response.json()) == (200, {"sessions": 2})
    assert sorted(await ids(http, "/v1/sessions")) == sorted(str(asked.turn.session_id) for asked in (own, *guests))
    assert len(await ids(http, f"/v1/sessions/{guests[0].turn.session_id}/messages")) == 2
    assert (await http.get("/v1/sessions", headers=as_("bob"))).json()["items"] == []


async def test_a_claim_can_be_repeated(http: httpx.AsyncClient, turns: PostgresTurns) -> None:
    """It moves what there is to move: nothing at once, and later what the guest has begun since."""
    await an_asked(turns, principal=BOB)
    await http.post(PATH, json={"guest_token": "bob"})

    again = await http.post(PATH, json={"guest_token": "bob"})
    await an_asked(turns, principal=BOB)
    later = await http.post(PATH, json={"guest_token": "bob"})

    assert [again.json(), later.json()] == [{"sessions": 0}, {"sessions": 1}]


async def test_a_deleted_session_moves_as_a_tombstone(http: httpx.AsyncClient, turns: PostgresTurns) -> None:
    """It is not counted, not shown, and a late question does not bring it back."""
    asked = await an_asked(turns, principal=BOB)
    await http.delete(f"/v1/sessions/{asked.turn.session_id}", headers=as_("bob"))

    claimed = await http.post(PATH, json={"guest_token": "bob"})
    again = await open_turn(a_question(session_id=asked.turn.session_id, principal=ANN), store=turns)

    assert claimed.json() == {"sessions": 0}
    assert not isinstance(again, Accepted)
    assert await ids(http, "/v1/sessions") == []


async def test_the_answer_under_way_is_the_accounts(http: httpx.AsyncClient, turns: PostgresTurns) -> None:
    """It can be resumed and is stored; what opens behind it is asked by the account."""
    first = await an_asked(turns, principal=BOB)
    second = await an_asked(turns, principal=BOB, session_id=first.turn.session_id)
    await http.post(PATH, json={"guest_token": "bob"})

    active = await http.get(f"/v1/sessions/{first.turn.session_id}/active")
    finished = await record_answer(an_answer("Ten seconds.", turn=first.turn), store=turns)

    assert active.json()["answer_id"] == str(first.turn.answer_id)
    answer = await http.get(f"/v1/sessions/{first.turn.session_id}/messages/{first.turn.answer_id}")
    assert (answer.json()["status"], answer.json()["content"]) == ("completed", "Ten seconds.")
    assert finished.opens is not None
    assert finished.opens.turn.answer_id == second.turn.answer_id
    assert (finished.opens.turn.principal.user_id, finished.opens.turn.principal.is_guest) == (ANN.user_id, False)


async def test_claims_and_questions_at_once_lose_nothing(pool: asyncpg.Pool, turns: PostgresTurns) -> None:
    """Two devices claim while the guest's questions are stored: all end with the account, each exactly once."""
    guests = [a_principal(is_guest=True) for _ in range(4)]
    asked = [a_question(principal=guest) for guest in guests for _ in range(8)]
    claims = PostgresClaims(pool)

    await asyncio.gather(
        *(open_turn(question, store=turns) for question in asked),
        *(claims.claim(guest.user_id, ANN.user_id) for guest in guests * 2),
    )

    rows = await pool.fetch("SELECT user_id, count(*) AS sessions FROM chat_sessions GROUP BY user_id")
    assert [(row["user_id"], row["sessions"]) for row in rows] == [(ANN.user_id, len(asked))]


async def test_a_claim_waits_for_what_is_being_stored(pool: asyncpg.Pool, turns: PostgresTurns) -> None:
    """A session that is not yet to be seen when the claim begins moves with the others."""
    await an_asked(turns, principal=BOB)

    async def claim_waits() -> bool:
        waiting = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"
        return claim.done() or bool(await pool.fetchval(waiting))

    async with pool.acquire() as connection, asyncio.TaskGroup() as tasks, connection.transaction():
        await connection.execute(
            "INSERT INTO chat_sessions (session_id, user_id, title) VALUES ($1, $2, '')", uuid4(), BOB.user_id
        )
        claim = tasks.create_task(PostgresClaims(pool).claim(BOB.user_id, ANN.user_id))
        await eventually(claim_waits)

    assert claim.result() == 2
    owners = await pool.fetch("SELECT DISTINCT user_id FROM chat_sessions")
    assert [row["user_id"] for row in owners] == [ANN.user_id]


@pytest.mark.parametrize("guest_token", ["ann", "eve"])
async def test_only_a_guests_valid_token_claims(
    http: httpx.AsyncClient, turns: PostgresTurns, guest_token: str
) -> None:
    """Neither an account's nor one that is no token; the caller's own token is not to blame."""
    assert problem(await http.post(PATH, json={"guest_token": guest_token})) == (422, "invalid_guest_token")


@pytest.mark.parametrize("body", [{}, {"guest_token": ""}, {"guest_token": "x" * 8193}, {"guest_token": "b", "to": 1}])
async def test_a_claim_is_checked(http: httpx.AsyncClient, body: dict[str, Any]) -> None:
    """And the token is not repeated in the problem."""
    response = await http.post(PATH, json=body)

    assert problem(response) == (422, "invalid_request")
    assert "x" * 100 not in response.text


async def test_a_guest_claims_nothing(http: httpx.AsyncClient, turns: PostgresTurns) -> None:
    """There is no account to move sessions to."""
    response = await http.post(PATH, json={"guest_token": "bob"}, headers=as_("bob"))

    assert problem(response) == (403, "forbidden")
