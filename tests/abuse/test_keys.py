"""Credentials that are no key: each is a 401 that says nothing, and what cannot be a key costs the database nothing."""

import hashlib
from collections.abc import AsyncIterator
from typing import Annotated

import asyncpg
import httpx
import pytest
from fastapi import APIRouter, Depends

from history_service.keys import PostgresKeyRing, Wanted
from libs.auth.http import authenticated
from libs.auth.keys import Callers, NewKey, PostgresKeys, new_key
from libs.contracts.values import Principal
from libs.service.app import build_app
from libs.service.health import Health
from tests.builders import a_principal
from tests.integration.history.api_calls import Tokens

OWNER = a_principal(groups=("editors",))
Headers = dict[str, bytes]


class CountingKeys(PostgresKeys):
    """Counts how often the database is asked."""

    asked = 0

    async def principal(self, secret: str) -> Principal:
        self.asked += 1
        return await super().principal(secret)


@pytest.fixture
def keys(pool: asyncpg.Pool) -> CountingKeys:
    return CountingKeys(pool)


@pytest.fixture
async def http(keys: CountingKeys) -> AsyncIterator[httpx.AsyncClient]:
    router = APIRouter()
    caller = authenticated(Callers(Tokens(token=OWNER), keys), reads="chat", writes="sessions:write")

    @router.api_route("/me", methods=["GET", "POST"])
    async def me(principal: Annotated[Principal, Depends(caller)]) -> Principal:
        return principal

    app = build_app("test", title="Test", health=Health(), routers=[router])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as client:
        yield client


@pytest.fixture
async def made(pool: asyncpg.Pool) -> NewKey:
    """A key that may read."""
    key = new_key()
    await PostgresKeyRing(pool, most=5).create(OWNER.user_id, Wanted("Mine", "trial", ["chat"], None, None), key)
    return key


def garbled(key: NewKey) -> list[Headers]:
    """What may be sent in place of a key."""
    secret = key.secret.encode()
    return [
        {"x-api-key": b"elq_"},
        {"x-api-key": b"elq_" + b"A" * 20_000},
        {"x-api-key": b"elq_" + b"'" + b"; DROP TABLE api_keys;--".ljust(42, b"-")},
        {"x-api-key": b"elq_" + b"\xc3\xa9" * 43},
        {"x-api-key": secret + b"\x00"},
        {"x-api-key": secret + b"\n"},
        {"x-api-key": key.secret.upper().encode()},
        {"x-api-key": key.hint.encode()},
        {"x-api-key": key.digest.hex().encode()},
        {"x-api-key": b"elq_" + hashlib.sha256(secret).hexdigest()[:43].encode()},
        {"x-api-key": b"token"},
        {"authorization": b"Basic " + secret},
        {"authorization": b"Bearer Bearer " + secret},
        {"authorization": b"Bearer " + secret, "x-api-key": secret},
        {"authorization": b"Bearer token", "x-api-key": secret},
        {"cookie": b"x-api-key=" + secret},
    ]


async def test_what_is_no_key_is_refused_in_the_same_words(
    http: httpx.AsyncClient, keys: CountingKeys, made: NewKey
) -> None:
    """Neither half a key, nor what is stored of one, nor one in another place is let in; the answer says nothing."""
    for headers in garbled(made):
        answer = await http.get("/me", headers=[(name.encode(), value) for name, value in headers.items()])

        assert answer.status_code == 401, headers
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] in {"invalid_key", "invalid_token", "token_missing"}
        assert made.secret not in answer.text
    # Only the hash's beginning has the form of a key.
    assert keys.asked == 1


async def test_a_key_in_the_address_is_none(http: httpx.AsyncClient, made: NewKey) -> None:
    """Addresses are logged by everybody on the way."""
    for name in ("x-api-key", "api_key", "key", "access_token"):
        assert (await http.get("/me", params={name: made.secret})).status_code == 401


async def test_a_key_is_not_its_owner(http: httpx.AsyncClient, made: NewKey) -> None:
    """It has the account's id and none of its groups; without the scope it changes nothing, however it asks."""
    key = {"x-api-key": made.secret}
    me = (await http.get("/me", headers=key)).json()

    assert (me["user_id"], me["groups"], me["is_guest"]) == (str(OWNER.user_id), [], False)
    assert (await http.post("/me", headers=key)).status_code == 403
    assert (await http.post("/me", headers={**key, "x-http-method-override": "GET"})).status_code == 403
    assert (await http.get("/me", headers={"authorization": "Bearer token"})).json()["groups"] == ["editors"]
