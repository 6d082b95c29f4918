"""The caller of a route."""

from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, Depends

from libs.auth.cognito import TokenVerifier
from libs.auth.http import AUTH_RESPONSES, authenticated, bearer_token, require_group
from libs.contracts.values import Principal
from libs.errors import RequestError
from libs.service.app import build_app
from libs.service.health import Health
from tests.unit.auth.builders_auth import Issuer, a_guest_token, a_user_token, in_groups


@pytest.fixture
def client(verifier: TokenVerifier) -> httpx.AsyncClient:
    caller = authenticated(verifier)
    router = APIRouter(responses=AUTH_RESPONSES)

    @router.get("/me")
    async def me(principal: Annotated[Principal, Depends(caller)]) -> Principal:
        return principal

    @router.get("/editors")
    async def editors(principal: Annotated[Principal, Depends(caller)]) -> Principal:
        require_group(principal, "editors")
        return principal

    app = build_app("test", title="Test", health=Health(), routers=[router])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


async def test_a_route_knows_its_caller(client: httpx.AsyncClient, issuer: Issuer) -> None:
    """The scheme's case does not matter."""
    token = a_guest_token(issuer)

    answers = [await client.get("/me", headers={"Authorization": f"{name} {token}"}) for name in ("Bearer", "bearer")]

    assert [answer.json()["is_guest"] for answer in answers] == [True, True]


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer ", "Basic dTpw", "Bearerx"])
async def test_without_a_token_there_is_a_problem_that_says_so(client: httpx.AsyncClient, value: str) -> None:
    """401, an RFC 9457 problem, and the challenge."""
    answer = await client.get("/me", headers={"Authorization": value} if value else {})

    assert answer.status_code == 401
    assert answer.json()["code"] == "token_missing"
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_two_authorization_headers_are_ambiguous(client: httpx.AsyncClient, issuer: Issuer) -> None:
    """A proxy and we might each believe another one."""
    header = ("Authorization", f"Bearer {a_user_token(issuer)}")

    answer = await client.get("/me", headers=[header, header])

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")


async def test_bearer_twice_is_refused(client: httpx.AsyncClient, issuer: Issuer) -> None:
    """A client that prepends the scheme twice is told, not understood."""
    answer = await client.get("/me", headers={"Authorization": f"Bearer Bearer {a_user_token(issuer)}"})

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")


async def test_an_issuer_that_is_away_is_not_the_callers_fault(client: httpx.AsyncClient, issuer: Issuer) -> None:
    """503 with a time to retry: the token may be good."""
    issuer.status = 500

    answer = await client.get("/me", headers={"Authorization": f"Bearer {a_user_token(issuer)}"})

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"


async def test_a_group_is_asked_for(client: httpx.AsyncClient, issuer: Issuer) -> None:
    """Members pass, others get 403."""
    editor = a_user_token(issuer, **in_groups("editors"))
    answers = [
        await client.get("/editors", headers={"Authorization": f"Bearer {token}"})
        for token in (editor, a_user_token(issuer), a_guest_token(issuer))
    ]

    assert [answer.status_code for answer in answers] == [200, 403, 403]
    assert answers[1].json()["code"] == "forbidden"


async def test_openapi_shows_the_scheme(client: httpx.AsyncClient) -> None:
    """The route's security, and that it can answer 401."""
    document = (await client.get("/openapi.json")).json()

    assert document["paths"]["/me"]["get"]["security"] == [{"Cognito": []}, {"ApiKey": []}]
    assert "401" in document["paths"]["/me"]["get"]["responses"]
    assert document["components"]["securitySchemes"]["Cognito"]["scheme"] == "bearer"


def test_a_chat_frame_carries_its_token_in_the_same_form() -> None:
    """The gateway reads `headers.authorization` of a frame with the same function."""
    assert bearer_token("Bearer abc") == "abc"
    with pytest.raises(RequestError):
        bearer_token(None)
