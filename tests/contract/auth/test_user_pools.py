"""One verifier, two user pools: Cognito's as moto plays it, and the local provider's."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import httpx
import jwt
import pytest
from botocore.config import Config
from moto import mock_aws
from moto.cognitoidp.responses import CognitoIdpJsonWebKeyResponse

from deploy.local.identity.settings import LocalIdentitySettings
from deploy.local.identity.wiring import build
from libs.auth.cognito import TokenVerifier
from libs.config import ProcessSettings
from libs.errors import RequestError
from tests.unit.auth.builders_auth import POOL_ID, an_issuer

EMAIL, PASSWORD = "ed@example.com", "Editor-pass-1"


@dataclass
class Pool:
    """What a pool says about itself, and two sign-ins of its one user, an editor."""

    issuer: str
    client_id: str
    jwks: bytes
    first: dict[str, str]
    second: dict[str, str]


def _cognito_as_moto_plays_it() -> Pool:
    with mock_aws():
        cognito = boto3.client("cognito-idp", region_name="eu-west-1")
        pool_id = cognito.create_user_pool(PoolName="eloquent")["UserPool"]["Id"]
        client = cognito.create_user_pool_client(
            UserPoolId=pool_id, ClientName="web", ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"]
        )
        client_id = client["UserPoolClient"]["ClientId"]
        cognito.admin_create_user(UserPoolId=pool_id, Username=EMAIL)
        cognito.admin_set_user_password(UserPoolId=pool_id, Username=EMAIL, Password=PASSWORD, Permanent=True)
        cognito.create_group(UserPoolId=pool_id, GroupName="editors")
        cognito.admin_add_user_to_group(UserPoolId=pool_id, Username=EMAIL, GroupName="editors")
        unsigned = boto3.client("cognito-idp", region_name="eu-west-1", config=Config(signature_version="unsigned"))
        sign_ins = [
            unsigned.initiate_auth(
                ClientId=client_id,
                AuthFlow="USER_PASSWORD_AUTH",
                AuthParameters={"USERNAME": EMAIL, "PASSWORD": PASSWORD},
            )["AuthenticationResult"]
            for _ in range(2)
        ]
    _, _, jwks = CognitoIdpJsonWebKeyResponse.serve_json_web_key()
    issuer = f"https://cognito-idp.eu-west-1.amazonaws.com/{pool_id}"
    return Pool(issuer, client_id, jwks if isinstance(jwks, bytes) else str(jwks).encode(), *sign_ins)


async def _the_local_provider(folder: Path) -> Pool:
    settings = LocalIdentitySettings(dir=folder, editor_email=EMAIL, editor_password=PASSWORD)
    app = build(settings, ProcessSettings(port=9000))
    transport = httpx.ASGITransport(app)
    body: dict[str, Any] = {
        "ClientId": settings.client_id,
        "AuthFlow": "USER_PASSWORD_AUTH",
        "AuthParameters": {"USERNAME": EMAIL, "PASSWORD": PASSWORD},
    }
    target = {"X-Amz-Target": "AWSCognitoIdentityProviderService.InitiateAuth"}
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:9000") as client:
        sign_ins = [
            (await client.post("/", json=body, headers=target)).json()["AuthenticationResult"] for _ in range(2)
        ]
        jwks = (await client.get(f"/{settings.user_pool_id}/.well-known/jwks.json")).content
    return Pool(f"http://127.0.0.1:9000/{settings.user_pool_id}", settings.client_id, jwks, *sign_ins)


@pytest.fixture(params=["moto", "local"])
async def pool(request: pytest.FixtureRequest, tmp_path: Path) -> Pool:
    if request.param == "moto":
        return _cognito_as_moto_plays_it()
    return await _the_local_provider(tmp_path / "identity")


@pytest.fixture
def verifier(pool: Pool) -> Iterator[TokenVerifier]:
    with an_issuer() as server:
        server.raw = pool.jwks
        yield TokenVerifier(
            user_pool_issuer=pool.issuer,
            user_pool_jwks_url=f"{server.url}/keys",
            client_id=pool.client_id,
            identity_issuer="https://cognito-identity.amazonaws.com",
            identity_jwks_url=f"{server.url}/guest-keys",
            identity_pool_id=POOL_ID,
        )


async def test_an_access_token_is_accepted(pool: Pool, verifier: TokenVerifier) -> None:
    """It names the same user at every sign-in, with the groups."""
    first = await verifier.verify(pool.first["AccessToken"])
    second = await verifier.verify(pool.second["AccessToken"])

    assert first == second
    assert first.groups == ("editors",)
    assert not first.is_guest


async def test_an_id_token_is_not(pool: Pool, verifier: TokenVerifier) -> None:
    """It is for the client alone."""
    with pytest.raises(RequestError) as refused:
        await verifier.verify(pool.first["IdToken"])

    assert refused.value.code == "invalid_token"


async def test_a_signature_belongs_to_its_token(pool: Pool, verifier: TokenVerifier) -> None:
    """Another token's signature does not do."""
    body = pool.first["AccessToken"].rpartition(".")[0]
    signature = pool.second["AccessToken"].rpartition(".")[2]

    with pytest.raises(RequestError):
        await verifier.verify(f"{body}.{signature}")


def test_the_claims_are_cognitos(pool: Pool) -> None:
    """Clients read these from either."""
    access = jwt.decode(pool.first["AccessToken"], options={"verify_signature": False})
    identity = jwt.decode(pool.first["IdToken"], options={"verify_signature": False})

    shared = {"sub", "iss", "exp", "iat", "auth_time", "jti", "origin_jti", "token_use", "cognito:groups"}
    assert shared | {"client_id", "scope", "username"} <= access.keys()
    assert shared | {"aud", "cognito:username"} <= identity.keys()
    assert access["exp"] - access["iat"] == int(pool.first["ExpiresIn"]) == 3600
    assert access["sub"] == identity["sub"]
