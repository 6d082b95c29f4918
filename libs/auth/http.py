"""The caller of an HTTP route, from its `Authorization: Bearer` header."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Protocol

from fastapi import Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from libs.contracts.values import Principal
from libs.errors import RequestError

_BEARER = HTTPBearer(
    scheme_name="Cognito",
    bearerFormat="JWT",
    description="An access token of the user pool, or a guest's OpenID token of the identity pool.",
    auto_error=False,
)
_PROBLEM: dict[str, Any] = {"application/problem+json": {}}

AUTH_RESPONSES: dict[int | str, dict[str, Any]] = {
    401: {"description": "No token, or one that is not accepted", "content": _PROBLEM},
    403: {"description": "The caller may not do this", "content": _PROBLEM},
}
"""What a router with authenticated routes adds to its `responses`."""


class Verifier(Protocol):
    """Says whose token it is, as `libs.auth.cognito.TokenVerifier` does."""

    async def verify(self, token: str) -> Principal: ...


def authenticated(verifier: Verifier) -> Callable[..., Awaitable[Principal]]:
    """A FastAPI dependency: the principal of the request, or a 401; it shows in OpenAPI as the `Cognito` scheme."""

    async def principal(
        request: Request,
        _declared: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],
    ) -> Principal:
        headers = request.headers.getlist("authorization")
        if len(headers) > 1:
            # Which one counts would depend on who reads it: a proxy or we.
            raise RequestError("Send one Authorization header.", status=401, code="invalid_token")
        return await verifier.verify(bearer_token(headers[0] if headers else None))

    return principal


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
