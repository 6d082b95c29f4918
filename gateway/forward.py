"""Forwarding to the APIs behind the door: bodies stream both ways, nothing is interpreted.

On AWS the load balancer's path rules do the same, and these routes see no traffic. The APIs check the caller's token
themselves.
"""

import asyncio
import re
from collections.abc import AsyncIterator

import httpx
import structlog
from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from libs.auth.http import KEY_HEADER
from libs.errors import RequestError, TransientError, not_found
from libs.telemetry.spans import span
from libs.telemetry.tracing import current_traceparent

log = structlog.get_logger()

BUFFERED_MAX_BYTES = 64 * 1024
"""A body up to this is read before a connection is taken: who dribbles one must not hold what others wait for."""

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_REQUEST_HEADERS = frozenset(
    {
        *("authorization", "content-type", "content-length", "accept", "accept-language", "idempotency-key"),
        *(KEY_HEADER, "if-match", "if-none-match", "if-range", "range", "last-event-id"),
    }
)
_RESPONSE_HEADERS = frozenset(
    {
        *("content-type", "content-length", "content-encoding", "content-disposition", "content-range"),
        *("accept-ranges", "content-security-policy", "x-content-type-options"),
        *("allow", "cache-control", "etag", "location", "retry-after", "www-authenticate", "link"),
    }
)
# Ids are URL-safe everywhere: with no dot, no percent sign and no empty segment there is nothing to be misread.
_SEGMENTS = re.compile(rb"(/[A-Za-z0-9_-]{1,128}){0,8}")


def forward_router(prefix: str, client: httpx.AsyncClient, *, max_body_bytes: int, silence_seconds: float) -> APIRouter:
    """Everything at and below `prefix` goes to the API that `client` has as its base URL.

    Args:
        prefix: such as `/v1/sessions`.
        client: the caller's to close.
        max_body_bytes: of a request; more is a 413.
        silence_seconds: a body of which nothing comes for so long is a 408.
    """
    router = APIRouter(include_in_schema=False)

    async def forward(request: Request) -> Response:
        url = _url(request, prefix)
        try:
            content = await _content(request, _Limits(max_body_bytes, silence_seconds))
            headers = [pair for pair in request.headers.items() if pair[0] in _REQUEST_HEADERS]
            with span(f"{request.method} {prefix}", "client") as asking:
                asking.say("http.request.method", request.method)
                headers.append(("traceparent", current_traceparent()))
                outgoing = client.build_request(request.method, url, headers=headers, content=content)
                incoming = await client.send(outgoing, stream=True)
        except httpx.HTTPError as error:
            raise TransientError(f"the API behind {prefix} does not answer") from error
        except ClientDisconnect:
            # Nobody is left to read this.
            return Response(status_code=400)
        return _Forwarded(incoming)

    router.add_api_route(prefix, forward, methods=_METHODS)
    router.add_api_route(prefix + "/{path:path}", forward, methods=_METHODS)
    return router


class _Forwarded(StreamingResponse):
    """The API's response as it comes; its connection is given back however this ends."""

    def __init__(self, incoming: httpx.Response) -> None:
        super().__init__(incoming.aiter_raw(), status_code=incoming.status_code)
        self.raw_headers = [pair for pair in incoming.headers.raw if pair[0].lower().decode() in _RESPONSE_HEADERS]
        self._incoming = incoming

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._incoming.aclose()


class _Limits:
    """What a caller may send.

    Args:
        max_bytes: in all.
        silence_seconds: without a byte.
    """

    def __init__(self, max_bytes: int, silence_seconds: float) -> None:
        self._max_bytes = max_bytes
        self._silence_seconds = silence_seconds

    @property
    def fits_into_memory(self) -> bool:
        return self._max_bytes <= BUFFERED_MAX_BYTES

    def check(self, size: int) -> None:
        if size > self._max_bytes:
            raise RequestError(f"The body may have {self._max_bytes} bytes.", status=413, code="body_too_large")

    async def pieces(self, request: Request) -> AsyncIterator[bytes]:
        """The body as it comes; a sender that lies about its length, or falls silent, is cut off."""
        size = 0
        stream = request.stream()
        while True:
            try:
                async with asyncio.timeout(self._silence_seconds):
                    piece = await anext(stream, None)
            except TimeoutError as error:
                raise RequestError("The body stopped coming.", status=408, code="body_timeout") from error
            if piece is None:
                return
            size += len(piece)
            self.check(size)
            yield piece


def _url(request: Request, prefix: str) -> httpx.URL:
    # The path as it was sent: decoded and encoded again it might be another one.
    path: bytes = request.scope["raw_path"]
    query: bytes = request.scope["query_string"]
    rest = path.removeprefix(prefix.encode())
    if rest == path or not _SEGMENTS.fullmatch(rest) or not query.isascii():
        raise not_found("resource")
    return httpx.URL(path=path.decode(), query=query or None)


async def _content(request: Request, limits: _Limits) -> bytes | AsyncIterator[bytes] | None:
    length = request.headers.get("content-length")
    if length is None and "transfer-encoding" not in request.headers:
        return None
    if length is not None:
        limits.check(int(length))
    if limits.fits_into_memory or (length is not None and int(length) <= BUFFERED_MAX_BYTES):
        return b"".join([piece async for piece in limits.pieces(request)])
    return limits.pieces(request)
