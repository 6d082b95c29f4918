"""The worker's connection to one parser process: a file goes out, its text or the reason for its refusal comes back."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Self

import msgspec
import structlog

from ingest_service.chunking import Chunk
from ingest_service.parsing.child import TOO_DEMANDING
from ingest_service.parsing.parsed import UnreadableError
from ingest_service.parsing.wire import (
    DIED,
    GONE,
    LENGTH,
    LIGHT_FILES_MAX,
    Chunked,
    Job,
    Message,
    Outlined,
    Refused,
    decode_message,
    framed,
)
from libs.errors import TransientError

log = structlog.get_logger()

STATUS_MAX = 0xFFFF

OnText = Callable[[], Awaitable[None]]
Reading = tuple[str | None, list[Chunk]]


class DiedError(UnreadableError):
    """The process ended while it read the file."""


class ParserConnection:
    """Made by `open_at`.

    Attributes:
        files: how many this process has read.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.files = 0

    @classmethod
    async def open_at(cls, address: Path) -> Self:
        """A connection whose first file the server forks a process for.

        Raises:
            OSError: nobody listens.
        """
        return cls(*await asyncio.open_unix_connection(address))

    @property
    def takes_more(self) -> bool:
        """Whether a further light file may be given to the process."""
        return self.files < LIGHT_FILES_MAX and not self._reader.at_eof()

    async def read(self, job: Job, on_text: OnText) -> Reading:
        """Title and chunks of the file.

        Raises:
            UnreadableError: the file was refused; `DiedError` when its process did not live to say so.
            TransientError, OSError: the parser server is gone.
        """
        self.files += 1
        title: str | None = None
        self._writer.write(framed(job))
        while True:
            match await self._receive():
                case Outlined() as outlined:
                    title = outlined.title
                    await on_text()
                case Chunked(chunks):
                    return title, chunks
                case Refused(code) if code == GONE:
                    raise TransientError("the file went away while it was to be read")
                case Refused(code, message):
                    raise UnreadableError(code, message)

    async def close(self) -> None:
        """The process ends when it has nothing more to say."""
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def _receive(self) -> Message:
        try:
            (length,) = LENGTH.unpack(await self._reader.readexactly(LENGTH.size))
            if length & DIED:
                raise _cause_of_death(length)
            return decode_message(await self._reader.readexactly(length))
        except asyncio.IncompleteReadError as error:
            word = int.from_bytes(error.partial[-LENGTH.size :], "big")
            if len(error.partial) < LENGTH.size or not DIED <= word <= DIED | STATUS_MAX:
                raise TransientError("the parser server went away") from error
            raise _cause_of_death(word) from error
        except msgspec.DecodeError as error:
            raise _cause_of_death(DIED) from error


def _cause_of_death(word: int) -> DiedError:
    status = word & ~DIED
    by_signal = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
    log.warning("a parser process died", signal=by_signal, status=status)
    if by_signal in {signal.SIGXCPU, signal.SIGALRM}:
        return DiedError("took_too_long", "Reading this file takes longer than we allow: split it into parts.")
    if by_signal is None:
        return DiedError(TOO_DEMANDING.code, TOO_DEMANDING.message)
    return DiedError("crashed", "Reading this file failed: it is damaged, or needs more memory than we allow.")
