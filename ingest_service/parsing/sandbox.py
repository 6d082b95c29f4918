"""The worker's side of the parser processes: gives them files, and says why one died of its file."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import msgspec

from ingest_service.parsing import sniff
from ingest_service.parsing.child import TOO_DEMANDING
from ingest_service.parsing.connection import DiedError, OnText, ParserConnection, Reading
from ingest_service.parsing.parsed import UnreadableError
from ingest_service.parsing.wire import Job, Rules, project_root
from libs.errors import TransientError

T = TypeVar("T")

PATIENCE_SECONDS = 10.0
"""A parser process ends itself at its limit; so much later it is the server that does not answer."""
STOP_SECONDS = 2.0
BACKLOG = 128
LIGHT_TYPES = frozenset({sniff.PLAIN, sniff.MARKDOWN, sniff.CSV, sniff.JSON, sniff.JSON_LINES})
"""Read by Python and by Rust that knows no unsafe memory, so that a file does nothing to the next one (ADR 0025)."""
LIGHT_MAX_BYTES = 256 * 1024


class Sandbox:
    """Reads files in processes of their own; an async context manager. The server starts with the first file.

    Args:
        rules: limits and the size of chunks.
        concurrency: files read at once, about one per core.
    """

    def __init__(self, rules: Rules, *, concurrency: int) -> None:
        self._rules = rules
        self._free = asyncio.Semaphore(concurrency)
        # A lane of their own: two long PDFs do not keep a note waiting.
        self._free_for_light = asyncio.Semaphore(concurrency)
        self._resting: list[ParserConnection] = []
        self._starting = asyncio.Lock()
        self._folder: Path | None = None
        self._listener: socket.socket | None = None
        self._server: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="eloquent-parsing-"))
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self._address))
        self._listener.listen(BACKLOG)
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        for connection in self._resting:
            await connection.close()
        if self._server is not None:
            await _stop(self._server)
        if self._listener is not None:
            self._listener.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    async def read(self, path: Path, *, media_type: str, size_bytes: int, on_text: OnText) -> Reading:
        """The title that the file gives itself, and its chunks.

        Args:
            path: the file; it is only read.
            media_type: as `sniff` found it.
            size_bytes: of the file.
            on_text: called when the file is text and its chunks are being cut; not for a short text, cut in a moment.

        Raises:
            UnreadableError: the file cannot become text, or took more than it may.
            TransientError: the parser server died; the file need not be to blame.
        """
        if media_type in LIGHT_TYPES and size_bytes <= LIGHT_MAX_BYTES:
            async with self._free_for_light:
                reading = await self._bounded(self._read_light(Job(str(path), media_type, is_light=True), _unsaid))
            if reading is not None:
                return reading
        async with self._free:
            return await self._bounded(self._read_alone(Job(str(path), media_type), on_text))

    async def _bounded(self, reading: Coroutine[None, None, T]) -> T:
        try:
            async with asyncio.timeout(self._rules.limits.wall_seconds + PATIENCE_SECONDS):
                return await reading
        except TimeoutError as error:
            await self._kill()
            raise TransientError("the parser server did not answer") from error
        except OSError as error:
            raise TransientError("the parser server went away") from error

    async def _read_alone(self, job: Job, on_text: OnText) -> Reading:
        connection, reading = await self._read_first(job, on_text)
        await connection.close()
        return reading

    async def _read_light(self, job: Job, on_text: OnText) -> Reading | None:
        """None when the file is to be read alone: the process was not its own, so its end need not be its fault."""
        while self._resting:
            connection = self._resting.pop()
            if not connection.takes_more:
                await connection.close()
                continue
            try:
                reading = await connection.read(job, on_text)
            except (DiedError, TransientError, OSError):
                await connection.close()
                return None
            except UnreadableError as error:
                await self._put_back(connection)
                if error.code == TOO_DEMANDING.code:
                    return None
                raise
            except BaseException:
                await connection.close()
                raise
            await self._put_back(connection)
            return reading
        connection, reading = await self._read_first(job, on_text)
        await self._put_back(connection)
        return reading

    async def _put_back(self, connection: ParserConnection) -> None:
        if connection.takes_more:
            self._resting.append(connection)
        else:
            await connection.close()

    async def _read_first(self, job: Job, on_text: OnText) -> tuple[ParserConnection, Reading]:
        """The file in a process of its own, and the connection to that."""
        # A connection that a dead server never accepted does not end: its listening socket is ours.
        server = await self._running_server()
        connection = await ParserConnection.open_at(self._address)
        try:
            async with asyncio.TaskGroup() as tasks:
                watch = tasks.create_task(_raise_at_end(server))
                reading = await connection.read(job, on_text)
                watch.cancel()
        except ExceptionGroup as group:
            await connection.close()
            raise group.exceptions[0] from group
        except BaseException:
            await connection.close()
            raise
        return connection, reading

    async def _running_server(self) -> asyncio.subprocess.Process:
        if self._listener is None:
            raise RuntimeError("the sandbox was not entered")
        async with self._starting:
            if self._server is not None and self._server.returncode is None:
                return self._server
            descriptor = self._listener.fileno()
            self._server = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "ingest_service.parsing", str(descriptor)),
                msgspec.json.encode(self._rules).decode(),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=None,
                pass_fds=(descriptor,),
                # Nothing of the worker's environment: a parser that is taken over finds no key and no address.
                env={"PYTHONPATH": str(project_root()), "LANG": "C.UTF-8", "TOKENIZERS_PARALLELISM": "false"},
                # Ctrl-C reaches the worker alone; the server ends when the worker's end of the pipe closes.
                start_new_session=True,
            )
            return self._server

    @property
    def _address(self) -> Path:
        if self._folder is None:
            raise RuntimeError("the sandbox was not entered")
        return self._folder / "socket"

    async def _kill(self) -> None:
        if self._server is not None and self._server.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._server.pid, signal.SIGKILL)
            await self._server.wait()


async def _unsaid() -> None:
    """A stage that is over when it is written down costs a round trip and shows nothing."""


async def _raise_at_end(server: asyncio.subprocess.Process) -> None:
    await server.wait()
    raise TransientError("the parser server died")


async def _stop(server: asyncio.subprocess.Process) -> None:
    if server.stdin is not None:
        server.stdin.close()
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await server.wait()
    except TimeoutError:
        server.kill()
        await server.wait()
