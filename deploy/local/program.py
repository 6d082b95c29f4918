"""What it takes to start an OS process, and to start one for the length of a `with` block."""

import asyncio
import contextlib
import os
import pwd
import signal
import socket
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

Watch = Callable[[int, signal.Signals], None]

POLL_SECONDS = 0.02
STOP_SECONDS = 10.0


@dataclass(frozen=True)
class Program:
    """An OS process to be: nothing of the environment is inherited.

    Attributes:
        command: the program's path, then its arguments.
        environment: all of its environment.
        account: whom it runs as; None for whoever starts it.
        stop_signal: what it takes for "finish now, and cleanly".
        folder: where it works; whoever starts it may be in a folder that its user cannot enter.
        forkable: it is `python -m …` and may be forked from a process that has imported the same.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    account: pwd.struct_passwd | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    folder: Path = Path("/")
    forkable: bool = False


class Child(Protocol):
    """A running process; `asyncio.subprocess.Process` is one."""

    @property
    def pid(self) -> int: ...

    @property
    def returncode(self) -> int | None: ...

    def send_signal(self, signal: int) -> None: ...

    async def wait(self) -> int: ...


class Server(Protocol):
    """A program that others connect to."""

    async def prepare(self) -> None:
        """Write what the program expects to find; nothing happens when it is there already."""

    def program(self) -> Program: ...

    async def is_ready(self) -> bool:
        """It answers, and it is this server and no stranger on the same port."""


async def launch(program: Program, *, output: int | None = None) -> Process:
    """The started process, in a session of its own: a Ctrl-C at the terminal is not for it.

    `output` says what becomes of standard output and error, as `asyncio.subprocess` names it.
    """
    options: dict[str, Any] = {}
    if program.account:
        options = {"user": program.account.pw_uid, "group": program.account.pw_gid, "extra_groups": []}
    return await asyncio.create_subprocess_exec(
        *program.command,
        env=dict(program.environment),
        cwd=program.folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=output,
        stderr=None if output is None else asyncio.subprocess.STDOUT,
        start_new_session=True,
        **options,
    )


async def stop(process: Child, stop_signal: signal.Signals, *, within_seconds: float = STOP_SECONDS) -> int:
    """The exit code; asked first, killed when it has not left in time."""
    if process.returncode is None:
        process.send_signal(stop_signal)
        try:
            async with asyncio.timeout(within_seconds):
                await process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    return await process.wait()


@asynccontextmanager
async def running(
    server: Server, *, within_seconds: float = 30.0, watch: Watch | None = None
) -> AsyncIterator[Process]:
    """The process of a server that is ready; it has ended after the block.

    Args:
        server: which one.
        within_seconds: how long it may take to get ready.
        watch: told of the process at once, for whoever ends it should this process be killed.

    Raises:
        RuntimeError: the server left, or did not get ready in time.
    """
    await server.prepare()
    program = server.program()
    process = await launch(program)
    if watch is not None:
        watch(process.pid, program.stop_signal)
    try:
        try:
            async with asyncio.timeout(within_seconds):
                while not await server.is_ready():
                    if process.returncode is not None:
                        raise RuntimeError(f"{program.name} left with exit code {process.returncode}")
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError as error:
            raise RuntimeError(f"{program.name} was not ready within {within_seconds} seconds") from error
        yield process
    finally:
        await stop(process, program.stop_signal)


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
