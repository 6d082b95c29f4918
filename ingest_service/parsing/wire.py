"""What the worker and its parser processes say to each other over a Unix socket: a length, then MessagePack."""

import socket
import struct
from pathlib import Path

import msgspec

from ingest_service.chunking import Chunk

LENGTH = struct.Struct("!I")
DIED = 0x8000_0000
"""Instead of a length: the parser process died, the rest is its wait status."""
GONE = "gone"
"""The code of a refusal that is not the file's fault: it is not where it was a moment ago."""
JOB_MAX_BYTES = 64 * 1024
LIGHT_FILES_MAX = 100
"""Read by one process: its fork is then a hundredth of a file's cost, and what it may have kept goes with it."""


class Limits(msgspec.Struct, frozen=True):
    """What one file may cost.

    Attributes:
        memory_bytes: address space of the process that reads it.
        cpu_seconds: processor time, whole seconds.
        wall_seconds: time from its start to its end.
        max_characters: of the document's text.
    """

    memory_bytes: int = 1024 * 1024 * 1024
    cpu_seconds: int = 60
    wall_seconds: float = 120.0
    max_characters: int = 20_000_000


class Rules(msgspec.Struct, frozen=True):
    """What is the same for every job of a parser server."""

    limits: Limits
    chunk_tokens: int
    tokenizer_file: str | None
    embedding_model: str


class Job(msgspec.Struct, frozen=True):
    """One file to read.

    Attributes:
        is_light: the process that reads it may read further light ones, one after the other.
    """

    path: str
    media_type: str
    is_light: bool = False


class Outlined(msgspec.Struct, frozen=True, tag="outlined"):
    """The file is text now; its chunks follow."""

    title: str | None
    characters: int


class Chunked(msgspec.Struct, frozen=True, tag="chunked"):
    """All chunks, in order; the last message of a success."""

    chunks: list[Chunk]


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """The file cannot become text; the only or last message of a failure."""

    code: str
    message: str


Message = Outlined | Chunked | Refused

_ENCODER = msgspec.msgpack.Encoder()
_MESSAGE = msgspec.msgpack.Decoder(Message)
_JOB = msgspec.msgpack.Decoder(Job)


def framed(message: Job | Message) -> bytes:
    """The message with its length in front."""
    body = _ENCODER.encode(message)
    return LENGTH.pack(len(body)) + body


def decode_message(body: bytes) -> Message:
    """The message of a frame's body.

    Raises:
        msgspec.DecodeError: the parser process died while it wrote this.
    """
    message: Message = _MESSAGE.decode(body)
    return message


def receive_job(connection: socket.socket) -> Job:
    """The one job of a connection, read to its end.

    Raises:
        OSError, ValueError: the worker went away or sent something else.
    """
    (length,) = LENGTH.unpack(_exactly(connection, LENGTH.size))
    if length > JOB_MAX_BYTES:
        raise ValueError("this is no job")
    return _JOB.decode(_exactly(connection, length))


def project_root() -> Path:
    """The folder that the packages are imported from."""
    return Path(__file__).resolve().parents[2]


def _exactly(connection: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise ConnectionError("the worker went away")
        data += part
    return bytes(data)
