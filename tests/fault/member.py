"""One process under test: killed and stopped from outside, started again as a container service would."""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.launching import Launcher
from deploy.local.processes import Guardian
from deploy.local.program import Child, Program
from tests.polling import eventually

RESTART_SECONDS = 0.3
PROBE_SECONDS = 0.1
PROBE_TIMEOUT_SECONDS = 5.0
READY_SECONDS = 240.0
"""Processes that share nothing take minutes to import all they need when the machine has thirty others to run."""


@dataclass
class Member:
    """A program that is started again whenever its process ends, until `end`.

    Attributes:
        kind: what it is one of: several processes of a kind share the work.
        is_ready: whether it may take traffic.
        before: what to do before each start.
        gate: whoever holds it keeps the process from being started again.
        deaths: how often its process has ended.
        takes_traffic: it has been ready since it was started.
    """

    kind: str
    program: Program
    log: Path
    launcher: Launcher
    guardian: Guardian
    is_ready: Callable[[], Awaitable[bool]]
    before: Callable[[], Awaitable[None]] | None = None
    restart_seconds: float = RESTART_SECONDS
    deaths: int = 0
    child: Child | None = None
    takes_traffic: bool = False
    gate: asyncio.Lock = field(default_factory=asyncio.Lock)
    _ending: bool = False
    _frozen: bool = False
    _up: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def name(self) -> str:
        """What the log file and the report call it."""
        return self.program.name

    async def run(self) -> None:
        """Returns when it was told to end and the process has ended."""
        while not self._ending:
            async with self.gate:
                pass
            if self.before is not None:
                await self.before()
            with self.log.open("ab") as log:
                self.child = child = await self.launcher.launch(self.program, output=log.fileno())
            self.guardian.watch(child.pid, self.program.stop_signal)
            self._up.set()
            async with asyncio.TaskGroup() as tasks:
                probing = tasks.create_task(self._probe())
                await child.wait()
                probing.cancel()
            self._up.clear()
            self.takes_traffic = self._frozen = False
            self.guardian.forget(child.pid)
            self.deaths += 1
            if not self._ending:
                await asyncio.sleep(self.restart_seconds)

    async def ready(self) -> None:
        """It takes traffic.

        Raises:
            TimeoutError: it does not, long after everything is well.
        """
        try:
            await eventually(self.is_ready, within_seconds=READY_SECONDS)
        except AssertionError as error:
            raise TimeoutError(f"{self.name} is not ready") from error

    async def _probe(self) -> None:
        # As a load balancer does: who has just started gets nothing before it says that it is ready.
        while not await self.is_ready():
            await asyncio.sleep(PROBE_SECONDS)
        self.takes_traffic = True

    async def kill(self) -> None:
        """Kill -9, the whole process group; it has ended afterwards and comes back by itself."""
        child = await self._living()
        _kill_family(child)
        await child.wait()

    async def terminate(self) -> float:
        """As whoever deploys stops it; it has ended afterwards, after so many seconds, and comes back by itself."""
        child = await self._living()
        asked_at = time.monotonic()
        # Who stops a process has told the load balancer.
        self.takes_traffic = False
        child.send_signal(self.program.stop_signal)
        await child.wait()
        return time.monotonic() - asked_at

    async def retire(self) -> float:
        """It is stopped in the same way and does not come back."""
        self._ending = True
        return await self.terminate()

    async def freeze(self, seconds: float) -> None:
        """SIGSTOP for so long: a process that does not know that it was away."""
        child = await self._living()
        self._frozen = True
        child.send_signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            if self._frozen and self.child is child:
                child.send_signal(signal.SIGCONT)
                self._frozen = False

    @property
    def is_up(self) -> bool:
        """A process runs, and it is not stopped."""
        return self._up.is_set() and not self._frozen

    async def end(self) -> None:
        """Nothing is left of it."""
        self._ending = True
        if self.child is not None and self.child.returncode is None:
            _kill_family(self.child)

    async def _living(self) -> Child:
        await self._up.wait()
        assert self.child is not None
        return self.child


def _kill_family(child: Child) -> None:
    with suppress(ProcessLookupError):
        # Forked a moment ago, it leads no group yet, and would live on.
        child.send_signal(signal.SIGKILL)
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)


def http_ready(port: int) -> Callable[[], Awaitable[bool]]:
    """A probe of `/readyz`."""

    async def is_ready() -> bool:
        # By hand: ten HTTP clients a second for each process would take the core that the proxies need.
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(PROBE_TIMEOUT_SECONDS):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                try:
                    writer.write(b"GET /readyz HTTP/1.0\r\n\r\n")
                    return b" 200 " in await reader.readline()
                finally:
                    writer.transport.abort()
        return False

    return is_ready
