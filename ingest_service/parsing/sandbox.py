"""The worker's side of the parser processes: gives them files, and says why one died of its file."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
import structlog

from ingest_service.chunking import Chunk
from ingest_service.parsing.child import TOO_DEMANDING
from ingest_service.parsing.parsed import UnreadableError
from ingest_service.parsing.wire import (
    DIED,
    LENGTH,
    Chunked,
    Job,
    Message,
    Outlined,
    Refused,
    Rules,
    decode_message,
    framed,
    project_root,
)
from libs.errors import TransientError

log = structlog.get_logger()

PATIENCE_SECONDS = 10.0
"""A parser process ends itself at its limit; so much later it is the server that does not answer."""
STOP_SECONDS = 2.0
BACKLOG = 128
STATUS_MAX = 0xFFFF


class Sandbox:
    """Reads files in processes of their own; an async context manager. The server starts with the first file.

    Args:
        rules: limits and the size of chunks.
        concurrency: files read at once, about one per core.
    """

    def __init__(self, rules: Rules, *, concurrency: int) -> None:
        self._rules = rules
        self._free = asyncio.Semaphore(concurrency)
        self._starting = asyncio.Lock()
        self._folder: Path | None = None
        self._listener: socket.socket | None = None
        self._server: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="eloquent-parsing-"))
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self._folder / "socket"))
        self._listener.listen(BACKLOG)
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            await _stop(self._server)
        if self._listener is not None:
            self._listener.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    async def read(
        self, path: Path, *, media_type: str, on_text: Callable[[], Awaitable[None]]
    ) -> tuple[str | None, list[Chunk]]:
        """The title that the file gives itself, and its chunks.

        Args:
            path: the file; it is only read.
            media_type: as `sniff` found it.
            on_text: called when the file is text and its chunks are being cut.

        Raises:
            UnreadableError: the file cannot become text, or took more than it may.
            TransientError: the parser server died; the file need not be to blame.
        """
        async with self._free:
            try:
                async with asyncio.timeout(self._rules.limits.wall_seconds + PATIENCE_SECONDS):
                    return await self._watched(Job(str(path), media_type), on_text)
            except TimeoutError as error:
                await self._kill()
                raise TransientError("the parser server did not answer") from error
            except OSError as error:
                raise TransientError("the parser server went away") from error

    async def _watched(self, job: Job, on_text: Callable[[], Awaitable[None]]) -> tuple[str | None, list[Chunk]]:
        # A connection that a dead server never accepted does not end: its listening socket is ours.
        server = await self._running_server()
        try:
            async with asyncio.TaskGroup() as tasks:
                watch = tasks.create_task(_raise_at_end(server))
                reading = await self._read(job, on_text)
                watch.cancel()
        except ExceptionGroup as group:
            raise group.exceptions[0] from group
        return reading

    async def _read(self, job: Job, on_text: Callable[[], Awaitable[None]]) -> tuple[str | None, list[Chunk]]:
        title: str | None = None
        async with self._connection() as (reader, writer):
            writer.write(framed(job))
            while True:
                match await self._receive(reader):
                    case Outlined() as outlined:
                        title = outlined.title
                        await on_text()
                    case Chunked(chunks):
                        return title, chunks
                    case Refused(code, message):
                        raise UnreadableError(code, message)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_unix_connection(f"{self._folder}/socket")
        try:
            yield reader, writer
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _receive(self, reader: asyncio.StreamReader) -> Message:
        try:
            (length,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
            if length & DIED:
                raise self._cause_of_death(length)
            return decode_message(await reader.readexactly(length))
        except asyncio.IncompleteReadError as error:
            word = int.from_bytes(error.partial[-LENGTH.size :], "big")
            if len(error.partial) < LENGTH.size or not DIED <= word <= DIED | STATUS_MAX:
                raise TransientError("the parser server went away") from error
            raise self._cause_of_death(word) from error
        except msgspec.DecodeError as error:
            raise self._cause_of_death(DIED) from error

    def _cause_of_death(self, word: int) -> UnreadableError:
        status = word & ~DIED
        by_signal = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
        log.warning("a parser process died", signal=by_signal, status=status)
        if by_signal in {signal.SIGXCPU, signal.SIGALRM}:
            return UnreadableError(
                "took_too_long", "Reading this file takes longer than we allow: split it into parts."
            )
        if by_signal is None:
            return UnreadableError(TOO_DEMANDING.code, TOO_DEMANDING.message)
        return UnreadableError(
            "crashed", "Reading this file failed: it is damaged, or needs more memory than we allow."
        )

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

    async def _kill(self) -> None:
        if self._server is not None and self._server.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._server.pid, signal.SIGKILL)
            await self._server.wait()


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
