"""The real gateway over a real Valkey, with an issuer and an API of the tests' own."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import uvicorn
from redis.asyncio import Redis

from gateway.settings import ApiGatewaySettings, EdgeSettings, GatewaySettings
from gateway.wiring import build
from libs.clock import utc_now
from libs.config import IdentitySettings, ProcessSettings, RedisSettings
from libs.contracts.plans import PlanSettings
from libs.service.app import server
from tests.integration.gateway.people import Client, connected
from tests.integration.gateway.servers import Api, serving
from tests.unit.auth.builders_auth import CLIENT_ID, POOL_ID, Issuer, a_user_token, an_issuer

ALLOWED_ORIGIN = "https://app.example"
PLANS = PlanSettings()


@dataclass
class Gateway:
    """A running gateway, and who may use it."""

    url: str
    issuer: Issuer
    server: uvicorn.Server

    def token(self, name: str = "ann", **claims: Any) -> str:
        return a_user_token(self.issuer, utc_now(), sub=name, **claims)

    def client(self, name: str | None = "ann", **given: Any) -> AbstractAsyncContextManager[Client]:
        """Somebody's socket; nobody's without a name."""
        return connected(self.url, None if name is None else self.token(name), **given)


Start = Callable[..., AbstractAsyncContextManager[Gateway]]


@pytest.fixture(scope="session")
def issuer() -> Iterator[Issuer]:
    with an_issuer() as running:
        yield running


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
async def api_url(api: Api) -> AsyncIterator[str]:
    async with serving(uvicorn.Server(uvicorn.Config(api, log_config=None, lifespan="off"))) as url:
        yield url


@pytest.fixture
def identity(issuer: Issuer) -> IdentitySettings:
    return IdentitySettings(
        cognito_user_pool_issuer=issuer.pool,
        cognito_client_id=CLIENT_ID,
        cognito_identity_pool_id=POOL_ID,
        cognito_identity_issuer=issuer.url,
        cognito_identity_jwks_url=f"{issuer.url}/.well-known/jwks_uri",
    )


@pytest.fixture
def start(redis: Redis, redis_url: str, api_url: str, issuer: Issuer, identity: IdentitySettings) -> Start:
    """Starts a gateway with these settings."""

    @asynccontextmanager
    async def started(
        *,
        through: str | None = None,
        history: str = api_url,
        ingest: str = api_url,
        api_gateway: ApiGatewaySettings | None = None,
        plans: PlanSettings = PLANS,
        **limits: Any,
    ) -> AsyncIterator[Gateway]:
        edge = EdgeSettings(history_api_url=history, ingest_api_url=ingest, allowed_origins=(ALLOWED_ORIGIN,))
        settings = GatewaySettings.model_validate(limits)
        app = build(RedisSettings(redis_url=through or redis_url), identity, edge, settings, api_gateway, plans=plans)
        process = ProcessSettings(stop_grace_seconds=2.0)
        running = server(app, process, stall_seconds=settings.send_seconds, drain_seconds=settings.drain_seconds)
        async with serving(running) as url:
            yield Gateway(url, issuer, running)

    return started


@pytest.fixture
async def gateway(start: Start) -> AsyncIterator[Gateway]:
    async with start() as running:
        yield running


@pytest.fixture
async def ann(gateway: Gateway) -> AsyncIterator[Client]:
    async with gateway.client() as client:
        yield client


@pytest.fixture
async def http(gateway: Gateway) -> AsyncIterator[httpx.AsyncClient]:
    async with AsyncExitStack() as stack:
        client = httpx.AsyncClient(base_url=gateway.url, trust_env=False, timeout=15)
        yield await stack.enter_async_context(client)
