"""Forwarding to the APIs behind the door: bodies stream both ways, nothing is interpreted.

On AWS the load balancer's path rules do the same, and these routes see no traffic. The APIs check the caller's token
themselves.
"""

from collections.abc import AsyncIterator

import httpx
import structlog
from fastapi import APIRouter, Request, Response
from starlette.background import BackgroundTask
from starlette.responses import StreamingResponse

from libs.errors import RequestError, TransientError
from libs.telemetry.tracing import current_traceparent

log = structlog.get_logger()

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_REQUEST_HEADERS = frozenset(
    {
        "authorization",
        "content-type",
        "content-length",
        "accept",
        "idempotency-key",
        "if-match",
        "if-none-match",
        "range",
    }
)
_RESPONSE_HEADERS = frozenset(
    {
        *("content-type", "content-length", "content-disposition", "content-range", "cache-control", "etag"),
        *("location", "retry-after", "www-authenticate", "link"),
        *("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"),
    }
)


def forward_router(prefix: str, client: httpx.AsyncClient, *, max_body_bytes: int) -> APIRouter:
    """Everything at and below `prefix` goes to the API that `client` has as its base URL.

    Args:
        prefix: such as `/v1/sessions`.
        client: the caller's to close.
        max_body_bytes: of a request; more is a 413.
    """
    router = APIRouter(include_in_schema=False)

    async def forward(request: Request) -> Response:
        url = httpx.URL(path=request.url.path, query=request.scope["query_string"])
        headers = {name: value for name, value in request.headers.items() if name in _REQUEST_HEADERS}
        headers["traceparent"] = current_traceparent()
        _check_length(request, max_body_bytes)
        outgoing = client.build_request(request.method, url, headers=headers, content=_bounded(request, max_body_bytes))
        try:
            incoming = await client.send(outgoing, stream=True)
        except httpx.HTTPError as error:
            raise TransientError(f"the API behind {prefix} does not answer") from error
        return StreamingResponse(
            incoming.aiter_raw(),
            status_code=incoming.status_code,
            headers={name: value for name, value in incoming.headers.items() if name in _RESPONSE_HEADERS},
            background=BackgroundTask(incoming.aclose),
        )

    router.add_api_route(prefix, forward, methods=_METHODS)
    router.add_api_route(prefix + "/{path:path}", forward, methods=_METHODS)
    return router


def _check_length(request: Request, max_body_bytes: int) -> None:
    given = request.headers.get("content-length", "0")
    if not given.isdigit() or int(given) > max_body_bytes:
        raise _too_large(max_body_bytes)


async def _bounded(request: Request, max_body_bytes: int) -> AsyncIterator[bytes]:
    """The body as it comes; a sender that lies about its length is cut off."""
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size > max_body_bytes:
            raise _too_large(max_body_bytes)
        yield piece


def _too_large(max_body_bytes: int) -> RequestError:
    return RequestError(f"The body may have {max_body_bytes} bytes.", status=413, code="body_too_large")
