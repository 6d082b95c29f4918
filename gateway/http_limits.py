"""Rate limits of HTTP requests, said in every answer.

Headers as in draft-ietf-httpapi-ratelimit-headers-11: `RateLimit-Policy` and `RateLimit`.
"""

import math
from collections.abc import Sequence

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.addresses import address_of
from gateway.admission import Admission, RateLimitedError
from gateway.keys import DoorKeeper
from gateway.rates import Policy, Standing
from libs.auth.http import credential_of
from libs.contracts.values import Principal
from libs.errors import RequestError, TransientError
from libs.service.problems import problem_response

LIMITED_PREFIX = "/v1/"
"""Probes and documents are cheap, and are asked for by those who watch."""


class HttpLimits:
    """ASGI middleware: counts requests for the API, refuses those beyond the limits, and says where the caller stands.

    Args:
        app: what is limited.
        admission: counts.
        keeper: tells whose token or key a request has; one that is not accepted counts for the address alone.
        trusted_proxies: as for `address_of`.
    """

    def __init__(self, app: ASGIApp, *, admission: Admission, keeper: DoorKeeper, trusted_proxies: int) -> None:
        self._app = app
        self._admission = admission
        self._keeper = keeper
        self._trusted_proxies = trusted_proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # A browser's question before a request (OPTIONS) has no token and costs nothing.
        if scope["type"] != "http" or not scope["path"].startswith(LIMITED_PREFIX) or scope["method"] == "OPTIONS":
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        address = address_of(connection, trusted_proxies=self._trusted_proxies)
        try:
            principal = await self._principal(connection, address)
            await self._admission.count_request(principal, address)
        except RateLimitedError as error:
            response = problem_response(
                error.status, error.code, error.detail, retry_after_seconds=error.retry_after_seconds
            )
            response.headers.update(_headers([error.standing.policy], [error.standing]))
            await response(scope, receive, send)
            return
        headers = _headers(*await self._admission.told(principal, address))

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(headers)
            await send(message)

        await self._app(scope, receive, send_with_headers)

    async def _principal(self, connection: HTTPConnection, address: str) -> Principal | None:
        try:
            return await self._keeper.verify(credential_of(connection.headers.getlist), address=address)
        except RateLimitedError:
            raise
        except (RequestError, TransientError):
            # The API behind the door says what is wrong with it.
            return None


def _headers(policies: Sequence[Policy], standings: Sequence[Standing]) -> dict[str, str]:
    return {
        "ratelimit-policy": ", ".join(
            f'"{policy.name}";q={policy.quota};w={policy.window_seconds}' for policy in policies
        ),
        "ratelimit": ", ".join(
            f'"{standing.policy.name}";r={standing.remaining};t={math.ceil(standing.reset_seconds)}'
            for standing in standings
        ),
    }
