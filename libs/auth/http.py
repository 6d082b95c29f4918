"""The caller of an HTTP route: a token or an API key in `Authorization: Bearer`, or a key in `x-api-key`."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Protocol

from fastapi import Request, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from libs.auth.keys import Scope, is_key, refuse
from libs.contracts.values import Principal
from libs.errors import RequestError

KEY_HEADER = "x-api-key"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

_BEARER = HTTPBearer(
    scheme_name="Cognito",
    bearerFormat="JWT",
    description="An access token of the user pool, or a guest's OpenID token of the identity pool.",
    auto_error=False,
)
_KEY = APIKeyHeader(name=KEY_HEADER, scheme_name="ApiKey", description="A key of `/v1/keys`.", auto_error=False)
_PROBLEM: dict[str, Any] = {"application/problem+json": {}}

AUTH_RESPONSES: dict[int | str, dict[str, Any]] = {
    401: {"description": "No token, or one that is not accepted", "content": _PROBLEM},
    403: {"description": "The caller may not do this", "content": _PROBLEM},
}
"""What a router with authenticated routes adds to its `responses`."""


class Verifier(Protocol):
    """Says who calls, as `libs.auth.cognito.TokenVerifier` and `libs.auth.keys.Callers` do."""

    async def verify(self, token: str) -> Principal: ...


def authenticated(
    verifier: Verifier, *, reads: Scope | None = None, writes: Scope | None = None, any_key: bool = False
) -> Callable[..., Awaitable[Principal]]:
    """A FastAPI dependency: the principal of the request, or a 401; in OpenAPI the schemes `Cognito` and `ApiKey`.

    Args:
        verifier: says who calls.
        reads: the scope of keys that may read here; without one no key may.
        writes: the scope of keys that may change something here; without one no key may.
        any_key: every key may, whatever its scopes.
    """

    async def principal(
        request: Request,
        _token: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],
        _key: Annotated[str | None, Security(_KEY)],
    ) -> Principal:
        caller = await verifier.verify(credential_of(request.headers.getlist))
        if not any_key:
            require_scope(caller, reads if request.method in SAFE_METHODS else writes)
        return caller

    return principal


def credential_of(values: Callable[[str], list[str]]) -> str:
    """The token or key that a request brings.

    Args:
        values: the values of a header.

    Raises:
        RequestError: 401, there is none, or more than one.
    """
    tokens, keys = values("authorization"), values(KEY_HEADER)
    if len(tokens) > 1 or len(keys) > 1:
        # Which one counts would depend on who reads it: a proxy or we.
        raise RequestError("Send one Authorization header.", status=401, code="invalid_token")
    return credential(tokens[0] if tokens else None, keys[0] if keys else None)


def credential(authorization: str | None, api_key: str | None) -> str:
    """The token or key in these values, of a request or of a chat frame.

    Raises:
        RequestError: 401, there is none, or one too many.
    """
    if api_key is None or (authorization is not None and not is_key(api_key)):
        # API Gateway has keys of its own in that header, beside a token: they say nothing to us.
        return bearer_token(authorization)
    if authorization is not None:
        raise RequestError("Send a token or an API key, not both.", status=401, code="invalid_token")
    if not is_key(api_key):
        refuse()
    return api_key


def require_scope(caller: Principal, scope: Scope | None) -> None:
    """Returns when the caller asks with no key, or with one of this scope.

    Raises:
        RequestError: 403 `forbidden`.
    """
    if caller.key is None:
        return
    if scope is None:
        raise RequestError("No API key may do this: use a token.", status=403, code="forbidden")
    if scope not in caller.key.scopes:
        raise RequestError(f"This API key may not do this: it lacks the scope `{scope}`.", status=403, code="forbidden")


def bearer_token(authorization: str | None) -> str:
    """The token of an `Authorization` value, of a request or of a chat frame.

    Raises:
        RequestError: 401 `token_missing`, when there is none.
    """
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise RequestError("Send `Authorization: Bearer <token>`.", status=401, code="token_missing")
    return token.strip()


def require_group(principal: Principal, group: str) -> None:
    """Returns when the principal is a member.

    Raises:
        RequestError: 403 `forbidden`.
    """
    if group not in principal.groups:
        raise RequestError(f"Only members of the group `{group}` may do this.", status=403, code="forbidden")
