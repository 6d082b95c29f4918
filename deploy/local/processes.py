"""Keeps processes running: their lines go to the log, one that dies is started again, and all end when told."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from deploy.local.launching import Launcher
from deploy.local.log_lines import Log
from deploy.local.program import Child, Program, stop
from deploy.local.state import ROOT

FIRST_BACKOFF_SECONDS = 0.25
LONGEST_BACKOFF_SECONDS = 10.0
STEADY_SECONDS = 20.0
"""Who lived this long before it died is started again soon."""
LINE_MAX_BYTES = 1024 * 1024
LAST_WORDS_SECONDS = 1.0
"""How long to read on what a dead process wrote while a grandchild keeps its pipe open."""


class Guardian:
    """The process that ends the others when this one is gone; see `deploy.local.guardian`."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "deploy.local.guardian"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            # Whoever reads the log of the run, reads it to the end without waiting for the guardian's.
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    @property
    def _pipe(self) -> int:
        if self._process.stdin is None:
            raise RuntimeError("the guardian was started without a pipe")
        return self._process.stdin.fileno()

    def watch(self, pid: int, stop_signal: signal.Signals) -> None:
        """This process ends with the run."""
        self._tell(f"+{pid} {int(stop_signal)}")

    def forget(self, pid: int) -> None:
        """This process has ended."""
        self._tell(f"-{pid}")

    def close(self) -> None:
        """Nothing is left to watch; the guardian ends what was not forgotten, and itself."""
        self._process.communicate()

    def _tell(self, line: str) -> None:
        # A guardian that somebody killed is no reason to stop answering questions.
        with contextlib.suppress(BrokenPipeError):
            os.write(self._pipe, f"{line}\n".encode())


@dataclass
class Kept:
    """One program that runs until `stop`, whatever happens to its process.

    Attributes:
        before: what to do before each start.
        process: the latest one.
        quick_deaths: how often in a row it died before it was steady.
    """

    program: Program
    log: Log
    guardian: Guardian
    launcher: Launcher
    before: Callable[[], Awaitable[None]] | None = None
    process: Child | None = None
    quick_deaths: int = 0
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Returns when it was told to stop and the process has ended."""
        while not self._stopping.is_set():
            began = time.monotonic()
            code = await self._run_once()
            if self._stopping.is_set():
                return
            if time.monotonic() - began > STEADY_SECONDS:
                self.quick_deaths = 0
            backoff = min(FIRST_BACKOFF_SECONDS * 2**self.quick_deaths, LONGEST_BACKOFF_SECONDS)
            self.quick_deaths += 1
            self.log.say(
                f"{self.program.name} {_left(code)}, starting it again", level="error", in_seconds=round(backoff, 2)
            )
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), backoff)

    async def stop(self, *, within_seconds: float) -> None:
        """The process has ended: asked first, killed when it takes too long."""
        self._stopping.set()
        if self.process is not None:
            await stop(self.process, self.program.stop_signal, within_seconds=within_seconds)

    async def _run_once(self) -> int:
        if self.before is not None:
            await self.before()
        # A pipe of our own: `Process.wait` would wait for the end of its pipe, which a grandchild may hold open.
        reading, writing = os.pipe()
        try:
            self.process = process = await self.launcher.launch(self.program, output=writing)
        finally:
            os.close(writing)
        self.guardian.watch(process.pid, self.program.stop_signal)
        lines = asyncio.StreamReader(limit=LINE_MAX_BYTES)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(lines), os.fdopen(reading, "rb", buffering=0)
        )
        try:
            async with asyncio.TaskGroup() as group:
                relay = group.create_task(self._relay(lines))
                if self._stopping.is_set():
                    # Told to stop while it was being started.
                    await stop(process, self.program.stop_signal)
                code = await process.wait()
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    # It led a process group: what it left behind is not the business of its successor.
                    os.killpg(process.pid, signal.SIGKILL)
                self.guardian.forget(process.pid)
                await asyncio.wait([relay], timeout=LAST_WORDS_SECONDS)
                relay.cancel()
        finally:
            transport.close()
        return code

    async def _relay(self, lines: asyncio.StreamReader) -> None:
        while True:
            try:
                raw = await lines.readline()
            except ValueError:  # longer than the limit; what follows is read on
                continue
            if not raw:
                return
            self.log.line(self.program.name, raw.decode(errors="replace").rstrip())


async def stop_all(kept: Iterable[Kept], *, within_seconds: float) -> None:
    """All have ended; asked at the same time."""
    async with asyncio.TaskGroup() as group:
        for one in kept:
            group.create_task(one.stop(within_seconds=within_seconds))


def _left(code: int) -> str:
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"left with exit code {code}"
