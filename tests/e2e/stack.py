"""The whole system as a user starts it, in a process of its own, with a view into what it consists of."""

import asyncio
import os
import shutil
import signal
import sys
import tempfile
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path

import httpx
import psutil
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from deploy.local.plan import SERVICES
from deploy.local.ports import plan_ports, require_free
from deploy.local.postgres import PostgresServer
from deploy.local.state import ROOT, Secrets, load_secrets
from tests.polling import eventually
from tests.variants import BUS_PARTITIONS

FIRST_PORT, LAST_PORT = 21_000, 31_000
"""Below the ports that systems give to outgoing connections."""
START_SECONDS = 60.0
STOP_SECONDS = 30.0
LOG_LINES = 80

# What would lead this run to somebody's real services, should the checkout's `.env` say so.
_REAL_PARTS = (
    *("REDIS_URL", "DATABASE_URL", "OPENAI_API_KEY", "OPENAI_BASE_URL", "CHAT_MODEL", "EMBEDDING_MODEL", "LLM_GGUF"),
    *("PINECONE_API_KEY", "PINECONE_INDEX_HOST", "BLOB_BUCKET", "GENERATION_FALLBACK_MODEL"),
    *("COGNITO_USER_POOL_ISSUER", "COGNITO_CLIENT_ID", "COGNITO_IDENTITY_POOL_ID"),
)
_ports = count(FIRST_PORT + os.getpid() % 400 * 20, 20)


class Stack:
    """One run of `python -m deploy.local`.

    Args:
        folder: its data; anybody may walk into it, since root's PostgreSQL is somebody else.
        settings: environment variables of the run.
    """

    def __init__(self, folder: Path, **settings: str) -> None:
        self._folder = folder
        self._settings = settings
        self._ports = plan_ports(_free_port())
        self._log = folder / "run.log"
        self._process: Process | None = None
        self.url = f"http://127.0.0.1:{self._ports.gateway}"

    @property
    def secrets(self) -> Secrets:
        """Passwords of the run, once it has started."""
        return load_secrets(self._folder)

    @property
    def database_url(self) -> str:
        """The run's PostgreSQL."""
        return PostgresServer(self._folder / "postgres", self._ports.postgres, self.secrets.postgres).url

    @property
    def models_url(self) -> str:
        """The endpoint of the run's models."""
        return f"http://127.0.0.1:{self._ports.models}/v1"

    @property
    def is_running(self) -> bool:
        """The supervisor lives."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Everything is ready."""
        environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
            **dict.fromkeys(_REAL_PARTS, ""),
            "PORT": str(self._ports.gateway),
            "LOCAL_DIR": str(self._folder),
            "LOG_FORMAT": "json",
            "SAMPLE_KNOWLEDGE": "false",
            "WEB_PAGE": "false",
            # As under `make`, the run watches its parent: a test session that is killed takes it along.
            "MAKELEVEL": "1",
            "BUS_PARTITIONS": str(BUS_PARTITIONS),
            **self._settings,
        }
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "deploy.local"),
                cwd=ROOT,
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        await self.ready()

    async def ready(self) -> None:
        """Every service says that it may take traffic."""
        async with httpx.AsyncClient(trust_env=False) as http:
            addresses = [f"http://127.0.0.1:{service.port(self._ports)}/readyz" for service in SERVICES]

            async def all_ready() -> bool:
                assert self.is_running, "the run has ended"
                with suppress(httpx.HTTPError):
                    replies = await asyncio.gather(*(http.get(address, timeout=2.0) for address in addresses))
                    return all(reply.is_success for reply in replies)
                return False

            await eventually(all_ready, within_seconds=START_SECONDS)

    async def metrics(self, name: str, http: httpx.AsyncClient) -> list[Sample]:
        """What a service's process says of itself."""
        own = self._settings.get("GATEWAY_METRICS_PORT") if name == "gateway" else None
        port = own or getattr(self._ports, name.replace("-", "_"))
        text = (await http.get(f"http://127.0.0.1:{port}/metrics")).text
        return [sample for family in text_string_to_metric_families(text) for sample in family.samples]

    async def stop(self) -> int:
        """The exit code after SIGTERM; when it is known, nothing of the run is left."""
        process = self._running
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(STOP_SECONDS):
            code = await process.wait()
        assert not self.processes(), f"left behind: {self.processes()}"
        return code

    async def kill(self) -> None:
        """The supervisor is killed outright; the rest is for the guardian."""
        self._running.kill()
        await self._running.wait()

    async def end(self) -> None:
        """Nothing is left, however the tests went."""
        if self.is_running:
            await self.stop()
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                process.kill()

    async def kill_service(self, name: str) -> None:
        """Kill -9 of what listens on the service's port; it is gone afterwards, and the supervisor knows."""
        victim = self._listening(name)
        victim.kill()

        async def another() -> bool:
            with suppress(LookupError, psutil.NoSuchProcess):
                return bool(self._listening(name).pid != victim.pid)
            return False

        await eventually(another, within_seconds=START_SECONDS)

    def processes(self) -> list[psutil.Process]:
        """All that belong to the run: they have its folder in their command, environment, or as their own."""
        return [process for process in psutil.process_iter() if process.pid != os.getpid() and self._is_ours(process)]

    def log_tail(self) -> str:
        """The last lines of the run."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-LOG_LINES:])

    @property
    def _running(self) -> Process:
        assert self._process is not None, "the run was not started"
        return self._process

    def _is_ours(self, process: psutil.Process) -> bool:
        folder = str(self._folder)
        with suppress(psutil.Error, OSError):
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            words = [*process.cmdline(), *process.environ().values(), process.cwd()]
            return any(folder in str(word) for word in words)
        return False

    def _listening(self, name: str) -> psutil.Process:
        port = getattr(self._ports, name.replace("-", "_"))
        for connection in psutil.net_connections(kind="tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
                return psutil.Process(connection.pid)
        raise LookupError(f"nobody listens for {name}")


@asynccontextmanager
async def running_stack(**settings: str) -> AsyncIterator[Stack]:
    """A run that is started; nothing of it is left after the block."""
    # Not pytest's own folder: nobody but its owner may walk into that, and as root PostgreSQL is somebody else.
    folder = Path(tempfile.mkdtemp(prefix="eloquent-e2e-"))
    folder.chmod(0o711)
    stack = Stack(folder, **settings)
    try:
        try:
            await stack.start()
        except BaseException as error:
            error.add_note(stack.log_tail())
            raise
        yield stack
    finally:
        await stack.end()
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    """The first of a run's ports, all of them free a moment ago."""
    for first in _ports:
        if first > LAST_PORT:
            break
        with suppress(SystemExit):
            ports = plan_ports(first)
            require_free(ports)
            return first
    raise AssertionError("no free ports for a run")
