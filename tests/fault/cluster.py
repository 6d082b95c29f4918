"""The processes under test: real servers, several of every kind, and nobody but the test who decides when they die."""

import asyncio
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

import asyncpg
from redis.asyncio import Redis

from deploy.local.launching import Launcher
from deploy.local.postgres import PostgresServer
from deploy.local.processes import Guardian
from deploy.local.program import Program, Server
from deploy.local.state import ROOT
from deploy.local.valkey import ValkeyServer
from libs.bus.cluster import is_cluster
from libs.bus.connection import connect
from libs.clock import utc_now
from libs.config import PostgresSettings
from libs.contracts.events import AnswerWritten, ContextRetrieved, QuestionAsked, TurnOpened
from libs.contracts.values import Principal
from libs.db.migrate import migrate, service_folders
from libs.db.pool import create_pool
from tests.conftest import FAST_POSTGRES
from tests.fault.member import Member, http_ready
from tests.fault.model import Model
from tests.fault.ports import free_ports
from tests.fault.proxy import Proxy
from tests.integration.retrieval.builders import Shelf
from tests.unit.auth.builders_auth import CLIENT_ID, POOL_ID, Issuer, a_guest_token, an_issuer
from tests.variants import BUS_PARTITIONS, REDIS_SERVER

CLAIM_SECONDS = 1.0
STOP_GRACE_SECONDS = 5
KNOWLEDGE = "A standard transfer takes ten seconds. How long does it take to arrive? Ten seconds."
STREAMS = (QuestionAsked.stream, TurnOpened.stream, ContextRetrieved.stream, AnswerWritten.stream)
MUTANTS = "tests.fault.mutants"

# What was committed must survive a kill -9 of the server; of the machine, it need not.
_POSTGRES = {**FAST_POSTGRES, "synchronous_commit": "on"}
# The same: with `everysec` a slow disk keeps what was acknowledged from the log for up to two seconds.
_VALKEY = {"appendfsync": "no"}
_MODULES = {
    "gateway": ("gateway",),
    "history": ("history_service", "worker"),
    "history-api": ("history_service", "api"),
    "retrieval": ("retrieval_service",),
    "generation": ("generation_service",),
    "ingest": ("ingest_service", "worker"),
}
WORKERS = ("history", "retrieval", "generation")


@dataclass(frozen=True)
class Size:
    """How many processes of each kind."""

    gateway: int = 2
    history: int = 2
    retrieval: int = 2
    generation: int = 2
    ingest: int = 0


@dataclass(frozen=True)
class Caller:
    """A guest with a token for the run."""

    token: str
    principal: Principal


@dataclass
class Cluster:
    """All that runs; made by `running_cluster`.

    Attributes:
        members: the services' processes, by name.
        valkey: the server and its process.
        settings: environment variables of all services, beside what they need to find each other.
        mutants: which kinds are started with which flaw.
        forks: processes share what they import, and start quickly; alone, each one's memory is its own.
    """

    folder: Path
    model: Model
    issuer: Issuer
    launcher: Launcher
    guardian: Guardian
    valkey_server: ValkeyServer
    postgres_server: PostgresServer
    valkey: Member
    postgres: Member
    proxies: dict[tuple[str, str], Proxy] = field(default_factory=dict)
    members: list[Member] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)
    mutants: dict[str, str] = field(default_factory=dict)
    forks: bool = True
    started: object = None
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _group: asyncio.TaskGroup | None = None
    _api: Proxy | None = None
    _named: Iterator[int] = field(default_factory=count)

    def of(self, *kinds: str) -> list[Member]:
        """The processes of these kinds."""
        return [member for member in self.members if member.kind in kinds]

    def sockets(self) -> dict[str, str]:
        """Addresses of the chat socket a load balancer would choose from, by the gateway's name."""
        gateways = self.of("gateway")
        chosen = [gateway for gateway in gateways if gateway.takes_traffic] or gateways
        return {one.name: f"ws://127.0.0.1:{one.program.environment['PORT']}/v1/chat" for one in chosen}

    def redis(self) -> Redis:
        """A client of what the services have as Redis, past every proxy."""
        url = self.settings.get("REDIS_URL", self.valkey_server.url)
        return connect(url) if is_cluster(url) else Redis.from_url(url)

    async def connect(self) -> asyncpg.Connection:
        """A connection to the database, past every proxy."""
        return await asyncpg.connect(self.postgres_server.url, server_settings={"application_name": "harness"})

    def caller(self) -> Caller:
        """Somebody new."""
        subject = f"local:{uuid4()}"
        token = a_guest_token(self.issuer, utc_now(), sub=subject, exp=utc_now().timestamp() + 7200)
        user_id: UUID = uuid5(NAMESPACE_URL, f"{self.issuer.url}#{subject}")
        return Caller(token, Principal(user_id=user_id, is_guest=True))

    async def start(self, tasks: asyncio.TaskGroup, size: Size, *, proxied: bool = False) -> None:
        """Every service is ready."""
        self._group = tasks
        ports = free_ports(sum(vars(size).values()) + 1)
        api_port = next(ports)
        # What a load balancer is for: the API can be replaced behind its address.
        self._api = Proxy(api_port)
        await self._api.open()
        counts = {"history-api": 1, **vars(size)}
        for kind, number in counts.items():
            environment = await self._environment(kind, self._api.port, proxied=proxied)
            for n in range(number):
                port = api_port if kind == "history-api" else next(ports)
                member = self._service(f"{kind}-{n}", kind, port, environment)
                self.members.append(member)
                self._tasks.append(tasks.create_task(member.run()))
        await self.ready()

    async def stop(self) -> None:
        """No service is left; the servers are."""
        for member in self.members:
            await member.end()
        await asyncio.gather(*self._tasks)
        self._tasks.clear()
        self.members.clear()
        for proxy in (*self.proxies.values(), *([self._api] if self._api else [])):
            proxy.close()
        self.proxies.clear()

    async def replace(self, old: Member) -> float:
        """A new process has taken its place before it was told to stop, which took it so many seconds."""
        assert self._group is not None, "nothing was started"
        [port] = free_ports(1)
        new = self._service(f"{old.kind}-new-{next(self._named)}", old.kind, port, old.program.environment)
        self.members.append(new)
        self._tasks.append(self._group.create_task(new.run()))
        await new.ready()
        if old.kind == "history-api" and self._api is not None:
            self._api.target_port = port
        seconds = await old.retire()
        self.members.remove(old)
        return seconds

    async def ready(self) -> None:
        """Every process says that it may take traffic."""
        await asyncio.gather(*(member.ready() for member in (self.valkey, self.postgres, *self.members)))

    def logs(self) -> Iterable[Path]:
        """What the services have said."""
        return sorted(self.folder.glob("*.log"))

    def _service(self, name: str, kind: str, port: int, environment: Mapping[str, str]) -> Member:
        module = _MODULES[kind]
        if kind in self.mutants:
            module = (MUTANTS, self.mutants[kind], *module)
        ports = {"PORT": str(port)}
        if kind == "gateway":
            ports["GATEWAY_METRICS_PORT"] = str(next(iter(free_ports(1))))
        program = Program(
            name=name,
            command=(sys.executable, "-m", *module),
            environment={**environment, **ports},
            folder=ROOT,
            forkable=self.forks,
        )
        return Member(kind, program, self.folder / f"{name}.log", self.launcher, self.guardian, http_ready(port))

    async def _environment(self, kind: str, api_port: int, *, proxied: bool) -> dict[str, str]:
        redis_url, database_url = self.valkey_server.url, self.postgres_server.url
        if proxied:
            redis_url = await self._proxied(kind, "valkey", redis_url, self.valkey_server.port)
            database_url = await self._proxied(kind, "postgres", database_url, self.postgres_server.port)
        return {
            **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
            "ENVIRONMENT": "local",
            "PYTHONUNBUFFERED": "1",
            "NO_PROXY": "127.0.0.1,localhost",
            "REDIS_URL": redis_url,
            "DATABASE_URL": database_url,
            "DATABASE_POOL_SIZE": "8",
            "BUS_PARTITIONS": str(BUS_PARTITIONS),
            "BUS_CLAIM_SECONDS": f"{CLAIM_SECONDS:g}",
            "STOP_GRACE_SECONDS": f"{STOP_GRACE_SECONDS}",
            "OPENAI_API_KEY": "not-needed",
            "OPENAI_BASE_URL": self.model.base_url,
            "CHAT_MODEL": "fake",
            "EMBEDDING_MODEL": "fake",
            "EMBEDDING_DIMENSIONS": "384",
            "RETRIEVAL_MIN_SCORE": "0.01",
            "HISTORY_API_URL": f"http://127.0.0.1:{api_port}",
            "INGEST_API_URL": f"http://127.0.0.1:{api_port}",
            # The sweeper mends what the bus has lost. Where Redis loses nothing, nothing may need it.
            "HISTORY_SWEEP_SECONDS": "300",
            "HISTORY_SILENT_SECONDS": "3600",
            "GATEWAY_MAX_SOCKETS_PER_ADDRESS": "12000",
            "GATEWAY_ADDRESS_REQUESTS_PER_MINUTE": "10000000",
            "GATEWAY_GUEST_QUESTIONS_PER_MINUTE": "100000",
            "GATEWAY_GUEST_REQUESTS_PER_MINUTE": "100000",
            "GATEWAY_GUEST_TURNS": "1000",
            "COGNITO_USER_POOL_ISSUER": self.issuer.pool,
            "COGNITO_CLIENT_ID": CLIENT_ID,
            "COGNITO_IDENTITY_POOL_ID": POOL_ID,
            "COGNITO_IDENTITY_ISSUER": self.issuer.url,
            "COGNITO_IDENTITY_JWKS_URL": f"{self.issuer.url}/.well-known/jwks_uri",
            **self.settings,
        }

    async def _proxied(self, kind: str, server: str, url: str, port: int) -> str:
        proxy = Proxy(port)
        await proxy.open()
        self.proxies[kind, server] = proxy
        return url.replace(f"127.0.0.1:{port}", f"127.0.0.1:{proxy.port}")


@asynccontextmanager
async def running_cluster() -> AsyncIterator[tuple[Cluster, asyncio.TaskGroup]]:
    """Servers with an empty, migrated database that knows one document; services are started by `Cluster.start`."""
    # Not a test's own folder: as root PostgreSQL is somebody else, who may not walk into that.
    folder = Path(tempfile.mkdtemp(prefix="eloquent-fault-"))
    folder.chmod(0o711)
    async with AsyncExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        issuer = stack.enter_context(an_issuer())
        model = Model()
        await stack.enter_async_context(model.listening())
        guardian, launcher = Guardian(), Launcher()
        stack.callback(guardian.close)
        stack.callback(launcher.close)
        ports = free_ports(2)
        valkey_server = ValkeyServer(folder / "valkey", next(ports), secrets.token_hex(8), _VALKEY, REDIS_SERVER)
        postgres_server = PostgresServer(folder / "postgres", next(ports), secrets.token_hex(8), _POSTGRES)
        stack.callback(postgres_server.remove)

        def member(server: Server) -> Member:
            program = server.program()
            log = folder / f"{program.name}.log"
            return Member(program.name, program, log, launcher, guardian, server.is_ready, server.prepare, 0.1)

        valkey, postgres = member(valkey_server), member(postgres_server)
        servers = (valkey, postgres)
        cluster = Cluster(folder, model, issuer, launcher, guardian, valkey_server, postgres_server, valkey, postgres)
        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(launcher.listen())
            running = [tasks.create_task(server.run()) for server in servers]
            try:
                await asyncio.gather(*(server.ready() for server in servers))
                await _furnish(cluster)
                yield cluster, tasks
            finally:
                await cluster.stop()
                for server in servers:
                    await server.end()
                await asyncio.gather(*running)
                listening.cancel()


async def _furnish(cluster: Cluster) -> None:
    await migrate(cluster.postgres_server.url, service_folders())
    settings = PostgresSettings(database_url=cluster.postgres_server.url)
    async with create_pool(settings, application_name="harness") as pool:
        await Shelf(pool).add(KNOWLEDGE)
