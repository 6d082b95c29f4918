"""Every HTTP request belongs to its caller's trace, or to a new one."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from libs.telemetry.tracing import continue_trace


class TraceMiddleware:
    """Continues the trace of the `traceparent` header; bodies and sockets pass through untouched.

    Args:
        app: what runs inside the trace.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI's call."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with continue_trace(Headers(scope=scope).get("traceparent")):
            await self._app(scope, receive, send)
