"""API keys on a real Postgres: made once, shown once, revoked at once, and never more than their owner."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from history_service.api import sessions_router
from history_service.keys import REMEMBERED_DAYS, PostgresKeyRing
from history_service.keys_api import keys_router
from history_service.sessions import PostgresSessions
from history_service.turns import PostgresTurns
from libs.auth.http import authenticated
from libs.auth.keys import Callers, PostgresKeys
from libs.clock import utc_now
from libs.contracts.plans import PlanSettings
from libs.contracts.values import Principal, Turn, Usage, month_of
from libs.service.app import build_app
from libs.service.health import Health
from tests.builders import a_principal, a_turn, an_answer
from tests.integration.history.api_calls import BOB, UNDO_SECONDS, Tokens, an_asked, as_, problem

ANN, CID, PAT = a_principal(), a_principal(), a_principal(groups=("partners",))
MOST = 3


@pytest.fixture
async def http(pool: asyncpg.Pool) -> AsyncIterator[httpx.AsyncClient]:
    """Ann's client."""
    callers = Callers(Tokens(ann=ANN, bob=BOB, cid=CID, pat=PAT), PostgresKeys(pool))
    app = build_app(
        "history-api",
        title="Keys",
        health=Health(),
        routers=[
            sessions_router(
                PostgresSessions(pool, reader=pool),
                undo_seconds=UNDO_SECONDS,
                principal=authenticated(callers, reads="chat", writes="sessions:write"),
            ),
            keys_router(
                PostgresKeyRing(pool, most=MOST),
                PlanSettings(),
                principal=authenticated(callers),
                anybody=authenticated(callers, any_key=True),
            ),
        ],
    )
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://history", headers=as_("ann")) as client:
        yield client


async def make(http: httpx.AsyncClient, *, name: str = "ann", **wanted: Any) -> dict[str, Any]:
    answer = await http.post("/v1/keys", json={"name": "Nightly report", **wanted}, headers=as_(name))
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def principal_of(pool: asyncpg.Pool, made: dict[str, Any]) -> Principal:
    return await PostgresKeys(pool).principal(made["secret"])


async def test_a_secret_is_shown_once_and_kept_nowhere(http: httpx.AsyncClient, pool: asyncpg.Pool) -> None:
    """Neither lists nor the database have it; what they have names the key to its owner."""
    made = await make(http)
    listed = await http.get("/v1/keys")
    [row] = await pool.fetch("SELECT * FROM api_keys")

    assert made["secret"].startswith(made["hint"])
    assert made["secret"] not in listed.text
    assert [item["id"] for item in listed.json()["items"]] == [made["id"]]
    assert "secret" not in listed.json()["items"][0]
    assert made["secret"] not in str(dict(row))
    assert made["secret"].encode() not in bytes(row["digest"])


@pytest.mark.parametrize("header", ["authorization", "x-api-key"])
async def test_a_key_acts_as_its_owner_within_its_scopes(
    http: httpx.AsyncClient, turns: PostgresTurns, header: str
) -> None:
    """It reads what its owner reads, changes nothing without the scope, and makes or revokes no key."""
    asked = await an_asked(turns, principal=ANN)
    reader, writer = await make(http), await make(http, scopes=["chat", "sessions:write"])
    session = f"/v1/sessions/{asked.turn.session_id}"

    def with_(made: dict[str, Any]) -> httpx.AsyncClient:
        value = made["secret"] if header == "x-api-key" else f"Bearer {made['secret']}"
        client = httpx.AsyncClient(transport=http._transport, base_url=http.base_url)
        client.headers[header] = value
        return client

    async with with_(reader) as reading, with_(writer) as writing:
        assert (await reading.get(session)).json()["id"] == str(asked.turn.session_id)
        assert problem(await reading.patch(session, json={"title": "Mine"})) == (403, "forbidden")
        assert (await writing.patch(session, json={"title": "Mine"})).json()["title"] == "Mine"
        for method, path in (("POST", ""), ("GET", ""), ("DELETE", f"/{reader['id']}")):
            refused = await writing.request(method, f"/v1/keys{path}", json={"name": "Mine"})
            assert problem(refused) == (403, "forbidden"), method
        current = (await reading.get("/v1/keys/current")).json()
        assert (current["id"], current["user_id"]) == (reader["id"], str(ANN.user_id))
    assert problem(await http.get("/v1/keys/current")) == (404, "key_not_found")


async def test_what_no_longer_is_a_key_looks_like_what_never_was(http: httpx.AsyncClient, pool: asyncpg.Pool) -> None:
    """Revoked, expired, made up: the very next request is told the same."""
    revoked, expired = await make(http), await make(http, expires_in_days=1)
    key = {"authorization": f"Bearer {revoked['secret']}"}
    assert (await http.get("/v1/sessions", headers=key)).status_code == 200

    assert (await http.delete(f"/v1/keys/{revoked['id']}")).status_code == 204
    await pool.execute("UPDATE api_keys SET expires_at = now() WHERE key_id = $1", UUID(expired["id"]))

    made_up = "elq_" + "A" * 43
    answers = [
        await http.get("/v1/sessions", headers=[(b"authorization", f"Bearer {secret}".encode())])
        for secret in (revoked["secret"], expired["secret"], made_up, "elq_short", made_up + "\u00e4")
    ]
    assert {problem(answer) for answer in answers} == {(401, "invalid_key")}
    assert len({answer.content for answer in answers}) == 1
    shown = {item["id"]: item["revoked_at"] for item in (await http.get("/v1/keys")).json()["items"]}
    assert shown[revoked["id"]] is not None


async def test_a_token_beside_a_key_is_ambiguous_and_beside_api_gateways_is_not(http: httpx.AsyncClient) -> None:
    """API Gateway has keys of its own in that header; without a token they are no credential."""
    made = await make(http)

    assert problem(await http.get("/v1/sessions", headers={"x-api-key": made["secret"]})) == (401, "invalid_token")
    assert (await http.get("/v1/sessions", headers={"x-api-key": "Zq3vAPIGATEWAY"})).status_code == 200
    del http.headers["authorization"]
    assert problem(await http.get("/v1/sessions", headers={"x-api-key": "Zq3vAPIGATEWAY"})) == (401, "invalid_key")


async def test_somebody_elses_key_is_like_a_missing_one(http: httpx.AsyncClient) -> None:
    """Byte for byte, and it goes on working."""
    made = await make(http)

    theirs = await http.delete(f"/v1/keys/{made['id']}", headers=as_("cid"))
    missing = await http.delete(f"/v1/keys/{uuid4()}", headers=as_("cid"))

    assert problem(theirs) == (404, "key_not_found")
    assert theirs.content == missing.content
    assert (await http.get("/v1/keys", headers=as_("cid"))).json()["items"] == []
    assert (await http.get("/v1/sessions", headers={"authorization": f"Bearer {made['secret']}"})).status_code == 200


async def test_guests_make_no_keys_and_plans_may_be_for_a_group(http: httpx.AsyncClient) -> None:
    """Who has no account has nothing to hand on; a plan that is for some is for nobody else."""

    async def asked(name: str, **wanted: Any) -> httpx.Response:
        return await http.post("/v1/keys", json={"name": "Mine", **wanted}, headers=as_(name))

    assert problem(await asked("bob")) == (403, "forbidden")
    assert problem(await asked("ann", plan="partner")) == (403, "forbidden")
    assert problem(await asked("ann", plan="gold")) == (422, "unknown_plan")
    assert (await asked("ann")).json()["plan"] == "trial"
    assert (await asked("pat", plan="partner")).json()["plan"] == "partner"


async def test_revoking_makes_no_room_at_once(http: httpx.AsyncClient, pool: asyncpg.Pool) -> None:
    """Each key has a quota of its own: else a new one a minute would be no quota."""
    made = [await make(http) for _ in range(MOST)]
    await http.delete(f"/v1/keys/{made[0]['id']}")
    refused = await http.post("/v1/keys", json={"name": "One more"})

    assert problem(refused) == (409, "too_many_keys")
    await make(http, name="cid")
    age = timedelta(days=REMEMBERED_DAYS, hours=1)
    await pool.execute("UPDATE api_keys SET revoked_at = revoked_at - $1::interval", age)
    await make(http)
    assert made[0]["id"] not in (await http.get("/v1/keys")).text


async def test_an_answer_is_billed_once_to_the_key_that_asked(
    http: httpx.AsyncClient, pool: asyncpg.Pool, turns: PostgresTurns
) -> None:
    """Even if the event comes twice, or the session was deleted meanwhile; and the next look-up knows."""
    made = await make(http, monthly_budget_usd=0.5)
    turn = a_turn(principal=await principal_of(pool, made))
    written = an_answer(turn=turn, model="gpt", usage=Usage(input_tokens=800, output_tokens=20), cost_micro_usd=12_345)
    await turns.open(turn, event_id=uuid4(), title="A title")
    await pool.execute("UPDATE chat_sessions SET deleted_at = now() WHERE session_id = $1", turn.session_id)

    for _ in range(2):
        await turns.record(written, digest="d")

    [item] = (await http.get("/v1/keys")).json()["items"]
    month = month_of(utc_now())
    assert item["usage"] == {
        "month": month,
        "answers": 1,
        "input_tokens": 800,
        "output_tokens": 20,
        "cost_usd": 0.012345,
    }
    key = (await principal_of(pool, made)).key
    assert key is not None
    assert (key.budget_micro_usd, key.spent_in(month), key.spent_in("1999-12")) == (500_000, 12_345, 0)


async def test_a_turn_that_waited_is_opened_with_its_key(
    http: httpx.AsyncClient, pool: asyncpg.Pool, turns: PostgresTurns
) -> None:
    """Else what waits behind another question would be nobody's to pay."""
    principal = await principal_of(pool, await make(http, monthly_budget_usd=2))
    first: Turn = a_turn(principal=principal)
    second = a_turn(principal=principal, session_id=first.session_id)
    for turn in (first, second):
        await turns.open(turn, event_id=uuid4(), title="A title")

    recorded = await turns.record(an_answer(turn=first, cost_micro_usd=7), digest="d")

    assert recorded is not None
    assert recorded.opens is not None
    assert recorded.opens.turn.principal.key == principal.key
