"""From resources and routers to a running process."""

import gc
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

import structlog
import uvicorn
from fastapi import APIRouter, FastAPI

from libs.config import ProcessSettings
from libs.service.bodies import JSON_BODY_MAX_BYTES, BodyLimit
from libs.service.drain import DrainingServer
from libs.service.health import Health, health_router
from libs.service.openapi import document_problems
from libs.service.problems import install_problem_handlers
from libs.service.protocols import patient_for
from libs.service.trace import TraceMiddleware, finish_tracing, start_tracing
from libs.telemetry.logs import configure_logs

log = structlog.get_logger()

VERSION = "0.1.0"
FRAME_MAX_BYTES = 128 * 1024
"""What Amazon API Gateway lets through in one WebSocket message."""
HEAD_MAX_BYTES = 32 * 1024
"""Of a request's line and headers: a token with a hundred groups has 4 KiB."""
STALL_SECONDS = 20.0
YOUNG_OBJECTS = 20_000
"""Made before the collector looks for those that hold each other."""


def build_app(
    name: str,
    *,
    title: str,
    health: Health,
    resources: Sequence[AbstractAsyncContextManager[object]] = (),
    routers: Sequence[APIRouter] = (),
    own_body_limits: Collection[str] | None = (),
    is_public: bool = False,
) -> FastAPI:
    """An app that opens `resources` in order before it takes traffic and closes them in reverse order at the end.

    Args:
        name: the service's name in logs.
        title: the title of its OpenAPI document.
        health: what `/healthz` and `/readyz` report.
        resources: pools, clients, the bus.
        routers: the service's own routes; workers have none.
        own_body_limits: paths whose bodies may be larger than those of others; None when all say it themselves.
        is_public: strangers reach its port, so its metrics are not there (`libs.service.metrics`).
    """

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(finish_tracing)
            for resource in resources:
                await stack.enter_async_context(resource)
            log.info("started")
            yield
            log.info("stopping")

    app = FastAPI(title=title, version=VERSION, lifespan=lifespan, separate_input_output_schemas=False)
    app.state.service = name
    install_problem_handlers(app)
    if own_body_limits is not None:
        app.add_middleware(BodyLimit, max_bytes=JSON_BODY_MAX_BYTES, elsewhere=own_body_limits)
    app.add_middleware(TraceMiddleware)
    app.include_router(health_router(health, shows_metrics=not is_public))
    for router in routers:
        app.include_router(router)
    document_problems(app)
    return app


def server(
    app: FastAPI, settings: ProcessSettings, *, stall_seconds: float = STALL_SECONDS, drain_seconds: float = 0.0
) -> uvicorn.Server:
    """The app behind uvicorn, with our limits on what a client may do.

    Args:
        app: as `build_app` made it.
        settings: address and grace.
        stall_seconds: a client that takes nothing of what it is sent for so long is cut off.
        drain_seconds: time over which sockets are closed at the end, at most half of the grace.
    """
    http, websocket = patient_for(stall_seconds)
    drain_seconds = min(drain_seconds, settings.stop_grace_seconds / 2)
    return DrainingServer(
        uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            loop="uvloop",
            http=http,
            ws=websocket,
            ws_max_size=FRAME_MAX_BYTES,
            ws_ping_interval=25.0,
            ws_ping_timeout=20.0,
            ws_per_message_deflate=False,
            h11_max_incomplete_event_size=HEAD_MAX_BYTES,
            # Whose word counts for a client's address is the app's to know.
            proxy_headers=False,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=int(settings.stop_grace_seconds - drain_seconds),
        ),
        drain_seconds=drain_seconds,
    )


def serve(
    app: FastAPI, settings: ProcessSettings, *, stall_seconds: float = STALL_SECONDS, drain_seconds: float = 0.0
) -> None:
    """Run until SIGTERM or SIGINT; then stop gracefully. Arguments as for `server`.

    Raises:
        SystemExit: the app could not start, so that whoever started the process sees it.
    """
    configure_logs(app.state.service, level=settings.log_level)
    start_tracing(app.state.service, settings)
    running = server(app, settings, stall_seconds=stall_seconds, drain_seconds=drain_seconds)
    # What was imported stays: looking it over in every full collection would stop all answers for tens of milliseconds.
    gc.collect()
    gc.freeze()
    # A question makes thousands of objects that die by themselves: at 700 of them, as is usual, it would look in vain.
    gc.set_threshold(YOUNG_OBJECTS, 10, 10)
    running.run()
    if not running.started:
        raise SystemExit(3)
