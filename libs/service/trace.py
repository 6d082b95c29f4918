"""Every HTTP request belongs to its caller's trace, or to a new one; who has a collector sends it what is recorded."""

import asyncio

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from libs.config import ProcessSettings
from libs.telemetry import spans
from libs.telemetry.spans import RecordedSpan, arrival, caller

_PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked every few seconds by nobody who waits for them."""
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SERVER_ERROR = 500


class TraceMiddleware:
    """Continues the trace of the caller's headers; bodies and sockets pass through untouched.

    Args:
        app: what runs inside the trace.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI's call."""
        if scope["type"] != "http" or scope["path"] in _PROBES:
            await self._app(scope, receive, send)
            return
        with arrival("HTTP", "server", caller(Headers(scope=scope)), trusted=False) as span:
            if isinstance(span, RecordedSpan):
                await self._recorded(span, scope, receive, send)
            else:
                await self._app(scope, receive, send)

    async def _recorded(self, span: RecordedSpan, scope: Scope, receive: Receive, send: Send) -> None:
        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                span.say("http.response.status_code", message["status"])
                if message["status"] >= _SERVER_ERROR:
                    span.fail(str(message["status"]))
            await send(message)

        method = scope["method"] if scope["method"] in _METHODS else "_OTHER"
        span.say("http.request.method", method)
        span.name = method
        try:
            await self._app(scope, receive, answer)
        finally:
            # Known by now: the path with names in the place of ids.
            path = getattr(scope.get("route"), "path", None)
            if path is not None:
                span.say("http.route", path)
                span.name = f"{method} {path}"


def start_tracing(service: str, settings: ProcessSettings) -> None:
    """From here on what the process's traces sample goes to the collector, if there is one."""
    if settings.otel_exporter_otlp_endpoint is not None:
        # Here, because who traces nothing has no use for the SDK.
        from libs.telemetry.recording import OtlpRecorder

        spans.install(OtlpRecorder(service, settings))


async def finish_tracing() -> None:
    """What was recorded is sent."""
    recorder = spans.installed()
    if recorder is not None:
        await asyncio.to_thread(recorder.close)
