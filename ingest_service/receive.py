"""An upload on its way in: a multipart body, written to disk while it is hashed and counted, never held as a whole."""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.requests import ClientDisconnect, Request

from libs.errors import RequestError

FIELD_MAX_BYTES = 4 * 1024
PARTS_MAX = 16
ENVELOPE_MAX_BYTES = 256 * 1024
"""What a body may have beside the file: fields, headers, boundaries."""
WRITE_BYTES = 1024 * 1024
"""Collected before it goes to disk: a thread per packet would cost more than the write."""
SMALL_BYTES = 64 * 1024
"""Most documents are no larger: they are kept where they are, in memory, until they are stored."""
FILE_PART = "file"

Admit = Callable[[Mapping[str, str]], Awaitable[int]]
"""Says by the fields before the file how many bytes it may have, or raises."""


@dataclass(slots=True)
class Received:
    """A file that is complete, and the fields that came with it.

    Attributes:
        content: the bytes of a small one; a larger one lies in a temporary place.
    """

    content: Path | bytes
    file_name: str
    size_bytes: int
    sha256: str
    fields: dict[str, str]


@asynccontextmanager
async def received(
    request: Request, *, folder: Path | None, max_bytes: int, admit: Admit | None = None
) -> AsyncIterator[Received]:
    """The upload; its file is gone when the block ends.

    Args:
        request: `multipart/form-data` with one part `file`.
        folder: where the file is written; the system's temporary folder without it.
        max_bytes: of the file.
        admit: called when the file begins.

    Raises:
        RequestError: 413 `document_too_large`, 415 `multipart_expected`, 422 `malformed_upload`, `file_missing`; or as
            `admit` says.
    """
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > max_bytes + ENVELOPE_MAX_BYTES:
        raise too_large(max_bytes)
    boundary = _boundary(request.headers.get("content-type", ""))
    with _Sink(folder) as sink:
        form = _Form(max_bytes)
        await _pump(request, _parser(boundary, form), form, sink, admit)
        if form.file_name is None:
            raise _malformed("file_missing", f"Send the document as the part `{FILE_PART}` with a file name.")
        yield Received(await sink.ended(form), form.file_name, sink.size, sink.digest.hexdigest(), form.fields)


class _Sink:
    """Where the file's bytes go; the file on disk is made when they are too many for memory, and gone at the end."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._file: IO[bytes] | None = None
        self.size = 0
        self.digest = hashlib.sha256()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    async def take(self, form: "_Form") -> None:
        """What the form has collected is on disk."""
        data, form.pending = form.pending, bytearray()
        await asyncio.to_thread(self._write, data)

    async def ended(self, form: "_Form") -> Path | bytes:
        """The whole file."""
        if self._file is None and len(form.pending) <= SMALL_BYTES:
            content = bytes(form.pending)
            self._count(content)
            return content
        await self.take(form)
        assert self._file is not None  # noqa: S101 - it was just written to
        return Path(self._file.name)

    def _write(self, data: bytearray) -> None:
        if self._file is None:
            self._file = tempfile.NamedTemporaryFile(dir=self._folder, prefix="eloquent-upload-")  # noqa: SIM115 - closed at the end of the block
        self._file.write(data)
        self._file.flush()
        self._count(data)

    def _count(self, data: bytes | bytearray) -> None:
        self.digest.update(data)
        self.size += len(data)


class _Form:
    """What the parser calls back, and what it has found so far."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._headers: dict[str, str] = {}
        self._name = bytearray()
        self._value = bytearray()
        self._field: str | None = None
        self._in_file = False
        self._parts = 0
        self._file_bytes = 0
        self.file_name: str | None = None
        self.fields: dict[str, str] = {}
        self.pending = bytearray()
        self.complete = False

    def on_part_begin(self) -> None:
        self._parts += 1
        if self._parts > PARTS_MAX:
            raise _malformed("malformed_upload", "There are too many parts in this upload.")
        self._headers = {}
        self._value = bytearray()

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def on_header_end(self) -> None:
        # Headers come as latin-1 to the options' parser and as UTF-8 from every browser.
        self._headers[self._name.decode("latin-1").lower()] = self._value.decode("latin-1")
        self._name, self._value = bytearray(), bytearray()

    def on_headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get("content-disposition"))
        name, file_name = options.get(b"name"), options.get(b"filename")
        self._in_file = name == FILE_PART.encode() and file_name is not None
        self._field = None if self._in_file or name is None else name.decode(errors="replace")
        if self._in_file and file_name is not None:
            if self.file_name is not None:
                raise _malformed("malformed_upload", "Send one file at a time.")
            self.file_name = file_name.decode(errors="replace")

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self._file_bytes += end - start
            if self._file_bytes > self.max_bytes:
                raise too_large(self.max_bytes)
            self.pending += data[start:end]
            return
        self._value += data[start:end]
        if len(self._value) > FIELD_MAX_BYTES:
            raise _malformed("malformed_upload", f"A field may have {FIELD_MAX_BYTES} bytes.")

    def on_part_end(self) -> None:
        if self._field is not None:
            self.fields[self._field] = self._value.decode(errors="replace")

    def on_end(self) -> None:
        self.complete = True


def _parser(boundary: bytes, form: _Form) -> MultipartParser:
    try:
        return MultipartParser(
            boundary,
            {
                "on_part_begin": form.on_part_begin,
                "on_header_field": form.on_header_field,
                "on_header_value": form.on_header_value,
                "on_header_end": form.on_header_end,
                "on_headers_finished": form.on_headers_finished,
                "on_part_data": form.on_part_data,
                "on_part_end": form.on_part_end,
                "on_end": form.on_end,
            },
            max_header_size=16 * 1024,
        )
    except FormParserError as error:
        raise _malformed("malformed_upload", "The boundary of this upload is too long.") from error


async def _pump(request: Request, parser: MultipartParser, form: _Form, sink: _Sink, admit: Admit | None) -> None:
    total = 0
    try:
        async for data in request.stream():
            total += len(data)
            parser.write(data)
            if admit is not None and form.file_name is not None:
                # Before more than a packet of it is read.
                form.max_bytes, admit = await admit(form.fields), None
            if total > sink.size + len(form.pending) + ENVELOPE_MAX_BYTES:
                raise _malformed("malformed_upload", "There is too much beside the file in this upload.")
            if len(form.pending) >= WRITE_BYTES:
                await sink.take(form)
    except FormParserError as error:
        raise _malformed("malformed_upload", "This is no well-formed multipart body.") from error
    except ClientDisconnect as error:
        raise _malformed("malformed_upload", "The upload broke off.") from error
    if not form.complete:
        raise _malformed("malformed_upload", "The upload broke off before its last boundary.")


def _boundary(content_type: str) -> bytes:
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise RequestError("Send the document as multipart/form-data.", status=415, code="multipart_expected")
    return options[b"boundary"]


def too_large(max_bytes: int) -> RequestError:
    """What a file is refused with that has more than `max_bytes`."""
    return RequestError(f"A document may have {max_bytes:,} bytes: split it.", status=413, code="document_too_large")


def _malformed(code: str, detail: str) -> RequestError:
    return RequestError(detail, status=422, code=code)
