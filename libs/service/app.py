"""From resources and routers to a running process."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

import structlog
import uvicorn
from fastapi import APIRouter, FastAPI, Request, Response

from libs.config import ProcessSettings
from libs.service.health import Health, health_router
from libs.service.problems import install_problem_handlers
from libs.telemetry.logs import configure_logs
from libs.telemetry.tracing import continue_trace

log = structlog.get_logger()

VERSION = "0.1.0"
FRAME_MAX_BYTES = 128 * 1024
"""What Amazon API Gateway lets through in one WebSocket message."""


def build_app(
    name: str,
    *,
    title: str,
    health: Health,
    resources: Sequence[AbstractAsyncContextManager[object]] = (),
    routers: Sequence[APIRouter] = (),
) -> FastAPI:
    """An app that opens `resources` in order before it takes traffic and closes them in reverse order at the end.

    Args:
        name: the service's name in logs.
        title: the title of its OpenAPI document.
        health: what `/healthz` and `/readyz` report.
        resources: pools, clients, the bus.
        routers: the service's own routes; workers have none.
    """

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for resource in resources:
                await stack.enter_async_context(resource)
            log.info("started")
            yield
            log.info("stopping")

    app = FastAPI(title=title, version=VERSION, lifespan=lifespan, separate_input_output_schemas=False)
    app.state.service = name
    install_problem_handlers(app)

    @app.middleware("http")
    async def trace(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        with continue_trace(request.headers.get("traceparent")):
            return await call_next(request)

    app.include_router(health_router(health))
    for router in routers:
        app.include_router(router)
    return app


def serve(app: FastAPI, settings: ProcessSettings) -> None:
    """Run until SIGTERM or SIGINT; then stop gracefully.

    Raises:
        SystemExit: the app could not start, so that whoever started the process sees it.
    """
    configure_logs(app.state.service, level=settings.log_level)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            loop="uvloop",
            ws="websockets-sansio",
            ws_max_size=FRAME_MAX_BYTES,
            ws_ping_interval=25.0,
            ws_ping_timeout=20.0,
            ws_per_message_deflate=False,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=int(settings.stop_grace_seconds),
        ),
    )
    server.run()
    if not server.started:
        raise SystemExit(3)
