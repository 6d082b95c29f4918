"""Programs at the door: with a key, over HTTP and over the socket, at any of three gateways."""

import asyncio
import json
from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

import httpx
import pytest
from redis.asyncio import Redis
from starlette.types import Send

from gateway.keys import LOOK_UP_SECONDS, REMEMBER_SECONDS, KeyMemory
from libs.auth.keys import new_key
from libs.clock import utc_now
from libs.contracts.plans import Plan, PlanSettings, Quota
from libs.contracts.values import Principal, month_of
from libs.errors import RequestError, TransientError
from tests.builders import a_principal
from tests.integration.gateway.conftest import Start
from tests.integration.gateway.people import connected, kinds_of
from tests.integration.gateway.servers import Api, Received, reply
from tests.integration.gateway.stages import questions, the_question

FEW = PlanSettings(plans=(Plan(name="trial", rate=0.01, burst=4, quota=Quota(limit=100)),))
QUICK = {"drain_seconds": 0}
CURRENT = "GET /v1/keys/current"


class Keys:
    """History's keys, behind the gateway.

    Attributes:
        looked_up: the secrets that were asked about, in order.
    """

    def __init__(self) -> None:
        self.looked_up: list[str] = []
        self._known: dict[str, dict[str, Any]] = {}

    def make(self, **given: Any) -> str:
        secret = new_key().secret
        usage = {"month": month_of(utc_now()), "answers": 3, "input_tokens": 900, "output_tokens": 30}
        self._known[secret] = {
            "id": str(uuid4()),
            "user_id": str(uuid4()),
            "name": "Report",
            "plan": "trial",
            "scopes": ["chat"],
            "monthly_budget_usd": None,
            "usage": {**usage, "cost_usd": given.pop("cost_usd", 0.25)},
            **given,
        }
        return secret

    def revoke(self, secret: str) -> None:
        del self._known[secret]

    async def answer(self, request: Received, send: Send) -> None:
        secret = (request.header("authorization") or "").removeprefix("Bearer ")
        self.looked_up.append(secret)
        found = self._known.get(secret)
        await reply(send, 401 if found is None else 200, found or {"code": "invalid_key"})


@pytest.fixture
def keys(api: Api) -> Keys:
    keys = Keys()
    api.answers[CURRENT] = keys.answer
    return keys


async def test_three_gateways_count_a_key_together_and_say_where_it_stands(start: Start, keys: Keys) -> None:
    """As API Gateway would: 429, when to come again, and the same headers with every answer."""
    secret = keys.make()
    async with AsyncExitStack() as stack:
        gateways = [await stack.enter_async_context(start(plans=FEW, **QUICK)) for _ in range(3)]
        http = await stack.enter_async_context(httpx.AsyncClient(headers={"x-api-key": secret}, trust_env=False))
        answers = [await http.get(f"{gateways[n % 3].url}/v1/sessions") for n in range(6)]

    assert [answer.status_code for answer in answers] == [404] * 4 + [429] * 2
    assert answers[0].headers["ratelimit-policy"] == '"rate";q=4;w=400, "quota";q=100;w=2678400'
    assert answers[0].headers["ratelimit"].startswith('"rate";r=3;t=')
    assert '"quota";r=99;t=' in answers[0].headers["ratelimit"]
    assert answers[-1].json()["code"] == "rate_limited"
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 100
    assert answers[-1].headers["ratelimit"].startswith('"rate";r=0;t=')


async def test_a_revoked_key_is_let_in_nowhere_after_a_second(start: Start, keys: Keys, redis: Redis) -> None:
    """Neither by the gateway that has just seen it, nor by a socket that was opened with it."""
    assert REMEMBER_SECONDS < LOOK_UP_SECONDS <= 1
    secret = keys.make()
    async with start(**QUICK) as one, start(**QUICK) as other, connected(one.url, secret) as program:
        await program.send("s1")
        await the_question(redis)
        keys.revoke(secret)
        await asyncio.sleep(REMEMBER_SECONDS)  # the promise itself is a time

        [refused] = await program.reply(await program.send("s2", message_id="m-2"))
        async with connected(other.url, secret) as again:
            [never] = await again.reply(await again.send("s3"))

    assert {refused["errorText"], never["errorText"]} == {"The API key is not valid: it is wrong, revoked or expired."}
    assert len(await questions(redis)) == 1


async def test_a_question_by_key_is_its_owners_and_carries_what_it_may_cost(
    start: Start, keys: Keys, redis: Redis
) -> None:
    """In either header of a frame; its plan stands in the chunk about limits."""
    secret = keys.make(monthly_budget_usd=2.5, cost_usd=0.25)
    async with start(**QUICK) as gateway, connected(gateway.url, None) as program:
        asked = await program.send("s1", headers={"X-Api-Key": secret})
        answer = await the_question(redis)
        await answer.write("Yes.")
        frames = await program.reply(asked)

    [question] = await questions(redis)
    key = question.principal.key
    assert key is not None
    assert (key.budget_micro_usd, key.spent_micro_usd, question.principal.groups) == (2_500_000, 250_000, ())
    assert kinds_of(frames)[:2] == ["start", "data-rate-limits"]
    assert frames[1]["chunk"]["data"]["policy"] in {"rate", "quota"}
    assert secret not in question.model_dump_json()


async def test_what_a_key_may_not_do_is_said_and_nothing_is_asked(start: Start, keys: Keys, redis: Redis) -> None:
    """Without the scope, or with nothing left: the question is not on its way, and holds no place."""
    refused: dict[str, dict[str, Any]] = {
        "lacks the scope `chat`": {"scopes": ["documents:read"]},
        "used up for this month": {"monthly_budget_usd": 0.25},
    }
    async with start(**QUICK) as gateway:
        for says, given in refused.items():
            async with connected(gateway.url, keys.make(**given)) as program:
                [error] = await program.reply(await program.send("s1"))
            assert says in error["errorText"]

    assert await questions(redis) == []
    assert await redis.keys("turns:*") == []


async def test_made_up_keys_cost_the_address_they_come_from(start: Start, keys: Keys) -> None:
    """History is asked about few of them; one that was made up in no form at all is not even asked about."""
    good = keys.make()
    async with (
        start(address_requests_per_minute=6, **QUICK) as gateway,
        httpx.AsyncClient(base_url=gateway.url) as http,
    ):
        await http.get("/v1/sessions", headers={"x-api-key": good})
        for secret in ("elq_", "elq_short", f"elq_{'é' * 43}"):
            await http.get("/v1/config", headers=[(b"x-api-key", secret.encode())])
        refused = [await http.get("/v1/config", headers={"x-api-key": new_key().secret}) for _ in range(6)]

    assert refused[-1].status_code == 429
    assert keys.looked_up[0] == good
    assert len(keys.looked_up) <= 4


async def test_usage_says_what_a_key_has_left(start: Start, keys: Keys, api: Api) -> None:
    """Requests, tokens, money; a key sees itself, and an account what history shows it.

    A token and a key at once are ambiguous; beside a key of API Gateway's own a token is a token.
    """
    secret = keys.make(monthly_budget_usd=2.0, cost_usd=0.5)
    account: dict[str, Any] = {"items": []}

    async def listed(request: Received, send: Send) -> None:
        await reply(send, 200, account)

    api.answers["GET /v1/keys"] = listed
    async with start(plans=FEW, **QUICK) as gateway, httpx.AsyncClient(base_url=gateway.url) as http:
        token = {"authorization": f"Bearer {gateway.token()}"}
        [item] = (await http.get("/v1/usage", headers={"authorization": f"Bearer {secret}"})).json()["items"]
        mine = await http.get("/v1/usage", headers=token)
        nobody = await http.get("/v1/usage")
        both = await http.get("/v1/usage", headers={**token, "x-api-key": secret})
        proxied = await http.get("/v1/sessions", headers={**token, "x-api-key": "Zq3vAPIGATEWAY"})

    assert (item["requests"], item["quota"]["limit"], item["quota"]["remaining"]) == (1, 100, 99)
    assert item["rate"] == {"per_second": 0.01, "burst": 4, "remaining": 3}
    assert (item["month"]["input_tokens"], item["monthly_budget_usd"], item["budget_left_usd"]) == (900, 2.0, 1.5)
    assert mine.json() == account
    assert nobody.status_code == 401
    assert (both.status_code, both.json()["code"]) == (401, "invalid_token")
    assert proxied.headers["ratelimit"].startswith('"requests"')


async def test_those_who_ask_at_once_wait_for_one_answer() -> None:
    """Also when the one who asked goes away, or history does; then the next ones ask again."""
    asked, answers, found = 0, asyncio.Queue[Principal | TransientError](), a_principal()

    async def look_up(secret: str) -> Principal | None:
        nonlocal asked
        asked += 1
        answer = await answers.get()
        if isinstance(answer, TransientError):
            raise answer
        return answer

    async def turns_of_the_loop() -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    memory, secret = KeyMemory(look_up), new_key().secret
    first = asyncio.create_task(memory.principal(secret))
    others = [asyncio.create_task(memory.principal(secret)) for _ in range(3)]
    await turns_of_the_loop()
    first.cancel()
    await turns_of_the_loop()
    answers.put_nowait(TransientError("history is away"))
    outcomes = await asyncio.gather(*others, return_exceptions=True)
    answers.put_nowait(found)

    assert [type(outcome) for outcome in outcomes] == [TransientError] * 3
    assert await memory.principal(secret) == found
    assert await memory.principal(secret) == found
    assert asked == 3


async def test_what_was_found_is_believed_for_half_a_second_from_the_question_on() -> None:
    """Not from the answer on, which was true when it was given."""
    now, asked = 100.0, 0

    async def look_up(secret: str) -> Principal | None:
        nonlocal now, asked
        asked += 1
        now += 0.3
        return None

    memory, secret = KeyMemory(look_up, now=lambda: now), new_key().secret
    for _ in range(2):
        with pytest.raises(RequestError):
            await memory.principal(secret)
    assert asked == 1
    now += 0.21
    assert not memory.knows(secret)


def test_keys_look_like_nothing_else() -> None:
    """A secret scanner finds them by their beginning; no two are alike."""
    made = [new_key() for _ in range(100)]

    assert len({key.secret for key in made}) == len({key.digest for key in made}) == 100
    assert all(key.secret.startswith("elq_") and len(key.secret) == 47 for key in made)
    assert json.dumps(made[0].secret).isascii()
