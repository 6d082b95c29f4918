"""Signing in: guests and users of Amazon Cognito, or of the local provider with its API."""

from dataclasses import dataclass, fields
from typing import Any

import httpx

TIMEOUT_SECONDS = 10.0
_GUESTS = "AWSCognitoIdentityService"
_USERS = "AWSCognitoIdentityProviderService"


class SignInError(Exception):
    """The identity provider said no; the message is its own."""


@dataclass(frozen=True)
class Identity:
    """Where a gateway's callers sign in; what its `GET /v1/config` says.

    Attributes:
        user_pool_endpoint: of the users' API; on AWS another one than the guests'.
        identity_pool_endpoint: of the guests' API.
        identity_pool_id: the pool of guests.
        user_pool_client_id: the app client that users sign in with.
    """

    user_pool_endpoint: str
    identity_pool_endpoint: str
    identity_pool_id: str
    user_pool_client_id: str


async def identity_of(gateway: str, http: httpx.AsyncClient) -> Identity:
    """Where this gateway's callers sign in."""
    response = await http.get(f"{gateway}/v1/config")
    response.raise_for_status()
    given = response.json()["identity"]
    return Identity(**{field.name: given[field.name] for field in fields(Identity)})


class Guest:
    """An anonymous identity: whoever knows its id is the guest, so that their sessions can be found again.

    Args:
        identity_id: of an earlier visit; None for a new guest.
    """

    def __init__(self, identity: Identity, http: httpx.AsyncClient, *, identity_id: str | None = None) -> None:
        self._identity = identity
        self._http = http
        self.identity_id = identity_id

    async def token(self) -> str:
        """A fresh token; afterwards `identity_id` is known."""
        if self.identity_id is not None:
            try:
                return await self._token(self.identity_id)
            except SignInError:
                self.identity_id = None
        pool = {"IdentityPoolId": self._identity.identity_pool_id}
        found = await _call(self._http, self._identity.identity_pool_endpoint, f"{_GUESTS}.GetId", pool)
        self.identity_id = str(found["IdentityId"])
        return await self._token(self.identity_id)

    async def _token(self, identity_id: str) -> str:
        call = {"IdentityId": identity_id}
        endpoint = self._identity.identity_pool_endpoint
        return str((await _call(self._http, endpoint, f"{_GUESTS}.GetOpenIdToken", call))["Token"])


async def user_token(identity: Identity, http: httpx.AsyncClient, *, email: str, password: str) -> str:
    """An access token of this user.

    Raises:
        SignInError: wrong password, or no such user.
    """
    call = {
        "AuthFlow": "USER_PASSWORD_AUTH",
        "ClientId": identity.user_pool_client_id,
        "AuthParameters": {"USERNAME": email, "PASSWORD": password},
    }
    found = await _call(http, identity.user_pool_endpoint, f"{_USERS}.InitiateAuth", call)
    return str(found["AuthenticationResult"]["AccessToken"])


async def _call(http: httpx.AsyncClient, endpoint: str, target: str, body: dict[str, Any]) -> dict[str, Any]:
    headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"}
    response = await http.post(f"{endpoint.rstrip('/')}/", json=body, headers=headers, timeout=TIMEOUT_SECONDS)
    answer: dict[str, Any] = response.json()
    if response.is_error:
        raise SignInError(str(answer.get("message", answer.get("__type", response.status_code))))
    return answer
