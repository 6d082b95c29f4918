"""Joins ports and adapters; the only module of the gateway that names adapters."""

from contextlib import AbstractAsyncContextManager

import httpx
from fastapi import APIRouter, FastAPI
from starlette.middleware.cors import CORSMiddleware

from gateway.admission import Admission
from gateway.api import PublicConfig, chat_router
from gateway.asked import AskedLately
from gateway.forward import forward_router
from gateway.history import HistoryApi
from gateway.http_limits import HttpLimits
from gateway.keys import DoorKeeper, KeyMemory
from gateway.limits import SocketCount
from gateway.plans import Plans
from gateway.public_api import PublicApi, publish
from gateway.rates import Rates
from gateway.readiness import remembered
from gateway.request import Chat
from gateway.settings import ApiGatewaySettings, EdgeSettings, GatewaySettings
from gateway.sign_in import identity_of
from gateway.static_site import StaticSite
from gateway.turns import TurnsInProgress
from gateway.usage_api import usage_router
from gateway.workers import check_workers
from libs.answers.reader import AnswerReader
from libs.auth.cognito import TokenVerifier
from libs.auth.http import authenticated
from libs.auth.keys import Callers
from libs.bus.bus import Bus
from libs.bus.connection import connect
from libs.clock import utc_now
from libs.config import IdentitySettings, RedisSettings
from libs.contracts.plans import PlanSettings
from libs.service.app import build_app
from libs.service.bodies import JSON_BODY_MAX_BYTES
from libs.service.health import Check, Health

DOCUMENT_BODY_MAX_BYTES = 1024 * 1024 * 1024
"""The ingest api has its own, smaller limit, and says it better."""


def build(
    redis_settings: RedisSettings,
    identity_settings: IdentitySettings,
    edge_settings: EdgeSettings,
    settings: GatewaySettings,
    api_gateway: ApiGatewaySettings | None = None,
    *,
    plans: PlanSettings,
) -> FastAPI:
    """The gateway as an app."""
    redis = connect(redis_settings.redis_url, max_connections=128)
    verifier = TokenVerifier.from_settings(identity_settings)
    bus = Bus(redis_settings, redis, group="gateway")
    reader = AnswerReader(redis)
    # Apart from what is forwarded, so that no flood of requests keeps the sockets from their answers.
    history_client = _client(edge_settings.history_api_url, settings)
    sessions_client = _client(edge_settings.history_api_url, settings)
    documents_client = _client(edge_settings.ingest_api_url, settings)
    history = HistoryApi(history_client)
    of_keys = Plans(redis, plans)
    admission = Admission(Rates(redis), TurnsInProgress(redis, redis_settings.bus_partitions), of_keys, settings)
    keys = KeyMemory(history.owner_of)
    keeper = DoorKeeper(verifier, keys, admission)
    chat = Chat(
        keeper=keeper,
        questions=bus,
        reader=reader,
        stored=history,
        asked=AskedLately(redis, redis_settings.bus_partitions),
        admission=admission,
        redis=redis,
        partitions=redis_settings.bus_partitions,
        settings=settings,
        clock=utc_now,
    )
    sockets = SocketCount(total=settings.max_sockets, per_address=settings.max_sockets_per_address)
    public = PublicConfig(identity=identity_of(edge_settings, identity_settings))
    connections, callbacks = _callbacks(chat, api_gateway, edge_settings.allowed_origins, sockets)
    checks: dict[str, Check] = {
        "redis": remembered(bus.check),
        "identity": remembered(verifier.check),
        "history": remembered(history.check),
        "workers": remembered(lambda: check_workers(redis)),
    }
    app = build_app(
        "gateway",
        title="Eloquent",
        health=Health(checks=checks, pulses={"subscriber": reader.alive}),
        resources=[redis, history_client, sessions_client, documents_client, reader, bus, *connections],
        routers=[
            chat_router(chat, origins=edge_settings.allowed_origins, sockets=sockets, public=public),
            *callbacks,
            usage_router(history, of_keys, principal=authenticated(Callers(verifier, keys), any_key=True)),
            forward_router(
                "/v1/keys",
                sessions_client,
                max_body_bytes=JSON_BODY_MAX_BYTES,
                silence_seconds=settings.forward_seconds,
            ),
            forward_router(
                "/v1/sessions",
                sessions_client,
                max_body_bytes=JSON_BODY_MAX_BYTES,
                silence_seconds=settings.forward_seconds,
            ),
            forward_router(
                "/v1/shares",
                sessions_client,
                max_body_bytes=JSON_BODY_MAX_BYTES,
                silence_seconds=settings.forward_seconds,
            ),
            forward_router(
                "/v1/collections",
                documents_client,
                max_body_bytes=JSON_BODY_MAX_BYTES,
                silence_seconds=settings.forward_seconds,
            ),
            forward_router(
                "/v1/documents",
                documents_client,
                max_body_bytes=DOCUMENT_BODY_MAX_BYTES,
                silence_seconds=settings.forward_seconds,
            ),
        ],
        # What it forwards has a limit for each API.
        own_body_limits=None,
        is_public=True,
    )
    publish(app, PublicApi(app.openapi, [history_client, documents_client]))
    if edge_settings.web_dir is not None:
        app.router.default = StaticSite(
            edge_settings.web_dir, connects_to=public.identity.addresses, otherwise=app.router.default
        )
    app.add_middleware(HttpLimits, admission=admission, keeper=keeper, trusted_proxies=settings.trusted_proxies)
    # Outside the limits: a page is to be told that it asks too often.
    app.add_middleware(
        CORSMiddleware,
        allow_origins=edge_settings.allowed_origins,
        allow_methods=["*"],
        allow_headers=["authorization", "content-type", "idempotency-key", "if-match", "if-none-match", "traceparent"],
        expose_headers=[
            *("content-disposition", "etag", "link", "location", "ratelimit", "ratelimit-policy", "retry-after"),
        ],
    )
    return app


def _callbacks(
    chat: Chat, settings: ApiGatewaySettings | None, origins: tuple[str, ...], sockets: SocketCount
) -> tuple[list[AbstractAsyncContextManager[object]], list[APIRouter]]:
    if settings is None or settings.secret is None or settings.connections_url is None:
        return [], []
    # Here, for what it posts and signs with costs megabytes that no other gateway needs.
    from gateway.api_gateway.door import build_door

    connections, router = build_door(
        chat,
        url=settings.connections_url,
        region=settings.region,
        secret=settings.secret.get_secret_value(),
        origins=origins,
        sockets=sockets,
    )
    return [connections], [router]


def _client(base_url: str, settings: GatewaySettings) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=base_url,
        # Without compression, which nobody would undo: what comes is passed on as it is.
        headers={"accept-encoding": "identity"},
        timeout=httpx.Timeout(settings.forward_seconds, connect=5.0, pool=5.0),
        limits=httpx.Limits(max_connections=200, max_keepalive_connections=50),
        trust_env=False,
    )
