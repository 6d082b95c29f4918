"""The two sides of the comparison as real processes, and the model they share."""

import asyncio
import os
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx

from deploy.local.environment import compose
from deploy.local.plan import PARTS, SERVICES, python_program
from deploy.local.ports import LOOPBACK, Ports
from deploy.local.program import Program, free_port, launch, running, stop
from deploy.local.sign_in import Guest, identity_of
from deploy.local.state import ROOT, load_secrets
from libs.config import PostgresSettings
from libs.db.migrate import migrate, service_folders
from libs.db.pool import create_pool
from tests.bench.knowledge import DIMENSIONS, fill
from tests.bench.load import Script

READY_SECONDS = 60.0
ON_THE_PATH = ("gateway", "history-api", "history-worker", "retrieval", "generation")


@dataclass(frozen=True)
class Side:
    """One system under load.

    Attributes:
        name: in the report.
        url: of its chat socket.
        pids: of its processes, by name; their descendants belong to them.
        tokens: of guests.
    """

    name: str
    url: str
    pids: dict[str, int]
    tokens: tuple[str, ...]


@asynccontextmanager
async def fake_model(script: Script, folder: Path) -> AsyncIterator[tuple[str, int]]:
    """Base URL and process id of the fake model."""
    port = free_port()
    command = ("tests.fakes.openai_server", "--port", str(port), "--dimensions", str(DIMENSIONS))
    pace = ("--first-token", str(script.first_token), "--between", str(script.between), "--text", script.text)
    async with process_of(_python("model", *command, *pace), folder) as process:
        await answers(f"http://{LOOPBACK}:{port}/v1/models", process)
        yield f"http://{LOOPBACK}:{port}/v1", process.pid


@asynccontextmanager
async def monolith(name: str, model_url: str, people: int, folder: Path, *, by_hand: bool) -> AsyncIterator[Side]:
    """The monolith, ready; it asks for no token."""
    port = free_port()
    options = ("--port", str(port), "--model-url", model_url, *(["--by-hand"] if by_hand else []))
    async with process_of(_python(name, "tests.bench.monolith", *options), folder) as process:
        await answers(f"http://{LOOPBACK}:{port}/docs", process)
        yield Side(name, f"ws://{LOOPBACK}:{port}/v1/chat", {"monolith": process.pid}, ("",) * people)


@asynccontextmanager
async def eloquent(
    model_url: str, people: int, folder: Path, *, settings: Mapping[str, str] | None = None
) -> AsyncIterator[Side]:
    """Eloquent, ready, with its sample knowledge; servers and settings as `make run` has them, but for those given."""
    ports = Ports(*(free_port() for _ in Ports.__dataclass_fields__))
    given = {
        "PATH": os.environ["PATH"],
        "OPENAI_BASE_URL": model_url,
        "OPENAI_API_KEY": "none",
        "CHAT_MODEL": "fake",
        "EMBEDDING_MODEL": "fake",
        "EMBEDDING_DIMENSIONS": str(DIMENSIONS),
        # The fake's vectors are of words, not of meanings.
        "RETRIEVAL_MIN_SCORE": "0.05",
        # Everybody is at the same address.
        "GATEWAY_MAX_SOCKETS_PER_ADDRESS": "12000",
        "GATEWAY_ADDRESS_REQUESTS_PER_MINUTE": "10000000",
        # A person here asks again as soon as the answer has come.
        "GATEWAY_GUEST_QUESTIONS_PER_MINUTE": "100000",
        **(settings or {}),
    }
    made = compose(given, ports=ports, folder=folder, secrets=load_secrets(folder))
    pids: dict[str, int] = {}
    async with AsyncExitStack() as stack:
        valkey = replace(made.valkey, settings={"loglevel": "nothing"})
        postgres = replace(made.postgres, settings={"log_min_messages": "panic"})
        pids["valkey"] = (await stack.enter_async_context(running(valkey))).pid
        pids["postgres"] = (await stack.enter_async_context(running(postgres))).pid
        await migrate(made.postgres.url, service_folders())
        database = PostgresSettings.model_validate({"database_url": made.postgres.url})
        async with create_pool(database, application_name="bench") as pool:
            await fill(pool)
        for service in (*PARTS, *SERVICES):
            if service.name == "identity" or service.name in ON_THE_PATH:
                program = python_program(service, made.environment_of(service.name), ports)
                process = await stack.enter_async_context(process_of(program, folder))
                if service.name in ON_THE_PATH:
                    pids[service.name] = process.pid
        url = f"http://{LOOPBACK}:{ports.gateway}"
        await answers(f"{url}/readyz", process)
        async with httpx.AsyncClient(trust_env=False) as http:
            identity = await identity_of(url, http)
            tokens = [await Guest(identity, http).token() for _ in range(people)]
        yield Side("Eloquent", f"ws://{LOOPBACK}:{ports.gateway}/v1/chat", pids, tuple(tokens))


def _python(name: str, module: str, *arguments: str) -> Program:
    environment = {"PATH": os.environ["PATH"]}
    return Program(name, (sys.executable, "-m", module, *arguments), environment, folder=ROOT)


@asynccontextmanager
async def process_of(program: Program, folder: Path) -> AsyncIterator[Process]:
    """The program, running until the block ends; what it says is in the folder."""
    log = folder / f"{program.name}.log"
    with log.open("ab") as output:
        process = await launch(program, output=output.fileno())
    try:
        yield process
    finally:
        await stop(process, program.stop_signal)


async def answers(url: str, process: Process) -> None:
    """Returns when the address answers with a success; raises when the process has left."""
    async with httpx.AsyncClient(trust_env=False, timeout=2.0) as http, asyncio.timeout(READY_SECONDS):
        while True:
            if process.returncode is not None:
                raise RuntimeError(f"a process left with exit code {process.returncode} before {url} answered")
            try:
                if (await http.get(url)).is_success:
                    return
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.05)
