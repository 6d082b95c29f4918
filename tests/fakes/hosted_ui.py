"""A fake of a Cognito user pool's hosted pages: the authorization code grant with PKCE, one user, who always agrees.

It is as strict as Cognito about what the page sends: client, redirect address, S256 and the verifier, a code once.
"""

import base64
import hashlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.integration.gateway.servers import serving

Tokens = Mapping[str, Any]
"""Of `InitiateAuth`: AccessToken, IdToken, RefreshToken."""


@dataclass
class HostedUi:
    """The pages' state.

    Attributes:
        sign_in: gives the user's tokens, as a user pool makes them.
        asked: the query of each `/oauth2/authorize`.
        signed_out: how often `/logout` was opened.
    """

    sign_in: Callable[[], Awaitable[Tokens]] | None = None
    asked: list[dict[str, str]] = field(default_factory=list)
    signed_out: int = 0
    url: str = ""
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """It answers on a loopback port, and `url` is where."""
        app = Starlette(
            routes=[
                Route("/oauth2/authorize", self._authorize),
                Route("/oauth2/token", self._token, methods=["POST"]),
                Route("/logout", self._logout),
            ]
        )
        async with serving(uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))) as url:
            self.url = url
            yield

    async def _authorize(self, request: Request) -> Response:
        query = dict(request.query_params)
        self.asked.append(query)
        if query.get("response_type") != "code" or query.get("code_challenge_method") != "S256":
            return Response("invalid_request", 400)
        code = secrets.token_urlsafe(16)
        self._codes[code] = query
        return RedirectResponse(f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}")

    async def _token(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        begun = self._codes.pop(form.get("code", ""), None)
        # Cognito's own allow any origin too: nothing here looks at cookies.
        headers = {"access-control-allow-origin": "*"}
        if begun is None or not _fits(form, begun) or self.sign_in is None:
            return JSONResponse({"error": "invalid_grant"}, 400, headers)
        tokens = await self.sign_in()
        names = {"access_token": "AccessToken", "id_token": "IdToken", "refresh_token": "RefreshToken"}
        return JSONResponse({name: tokens[theirs] for name, theirs in names.items()}, headers=headers)

    async def _logout(self, request: Request) -> Response:
        self.signed_out += 1
        return RedirectResponse(request.query_params["logout_uri"])


def _fits(form: Mapping[str, str], begun: Mapping[str, str]) -> bool:
    digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    return (
        form.get("grant_type") == "authorization_code"
        and form.get("client_id") == begun["client_id"]
        and form.get("redirect_uri") == begun["redirect_uri"]
        and challenge == begun["code_challenge"]
    )
