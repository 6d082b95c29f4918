"""Uploading documents and following them until questions find them."""

import asyncio
import json
import mimetypes
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, cast

import httpx

UPLOAD_TIMEOUT_SECONDS = 120.0
DIRECT_BYTES = 8 * 1024 * 1024
"""From here on a file is sent straight to where files are kept, which takes three requests."""
POLL_SECONDS = 0.3
FINAL = frozenset({"searchable", "failed"})
_TOO_MANY_REQUESTS, _UNAVAILABLE = 429, 503
_TRIES = 8


class UploadError(Exception):
    """The document was refused; the message says why."""


async def upload(
    http: httpx.AsyncClient,
    gateway: str,
    path: Path,
    *,
    token: str,
    collection: str,
    name: str | None = None,
    on_bytes: Callable[[int], None] = lambda _: None,
    direct_bytes: int = DIRECT_BYTES,
) -> dict[str, Any]:
    """The document as the service answered: accepted, not searchable yet, unless the same bytes were there before.

    Args:
        http: a client.
        gateway: its address.
        path: the file; it is streamed.
        token: of whoever uploads.
        collection: where it goes.
        name: of the document, instead of the file's.
        on_bytes: called with the number of bytes each time some are sent; less than nothing when they are sent again.
        direct_bytes: a file of that size or more goes straight to where files are kept.

    Raises:
        UploadError: it was refused.
    """
    headers = {"authorization": f"Bearer {token}"}
    documents = f"{gateway}/v1/documents"
    size = (await asyncio.to_thread(path.stat)).st_size
    if size < direct_bytes:
        fields = {"collection": collection}
        response = await _sent(http, documents, path, name=name, headers=headers, fields=fields, on_bytes=on_bytes)
        return _content(response, path.name)
    # Straight to where files are kept: neither the door nor an API has to pass it on.
    wanted = {"file_name": name or path.name, "size_bytes": size, "collection": collection}
    begun = _content(await _asked(http, f"{documents}/uploads", headers=headers, body=wanted), path.name)
    form_url = str(httpx.URL(gateway).join(begun["url"]))
    sent = await _sent(http, form_url, path, name=name, headers={}, fields=begun["fields"], on_bytes=on_bytes)
    if sent.is_error:
        # A store's refusal is in its own words, S3's in XML.
        raise UploadError(f"{path.name}: where files are kept it was not taken (status {sent.status_code})")
    return _content(await _asked(http, f"{documents}/uploads/{begun['id']}/complete", headers=headers), path.name)


async def _asked(http: httpx.AsyncClient, url: str, *, headers: Mapping[str, str], body: Any = None) -> httpx.Response:
    async def once() -> httpx.Response:
        return await http.post(url, headers=headers, json=body, timeout=UPLOAD_TIMEOUT_SECONDS)

    return await _patiently(once)


async def _sent(
    http: httpx.AsyncClient,
    url: str,
    path: Path,
    *,
    name: str | None,
    headers: Mapping[str, str],
    fields: Mapping[str, str],
    on_bytes: Callable[[int], None],
) -> httpx.Response:
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    sent = 0

    def count(more: int) -> None:
        nonlocal sent
        sent += more
        on_bytes(more)

    async def once() -> httpx.Response:
        count(-sent)
        with path.open("rb") as opened:
            file = cast("BinaryIO", _Counted(opened, count))
            files = {"file": (name or path.name, file, media_type)}
            return await http.post(url, headers=headers, data=dict(fields), files=files, timeout=UPLOAD_TIMEOUT_SECONDS)

    return await _patiently(once)


async def _patiently(once: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
    """What is answered at last to somebody who waits when they are asked to."""
    for _ in range(_TRIES - 1):
        response = await once()
        if response.status_code not in {_TOO_MANY_REQUESTS, _UNAVAILABLE}:
            return response
        await asyncio.sleep(float(response.headers.get("retry-after", "1")))
    return await once()


class _Counted:
    """A file that tells how much of it was read."""

    def __init__(self, file: BinaryIO, on_bytes: Callable[[int], None]) -> None:
        self._file = file
        self._on_bytes = on_bytes

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._on_bytes(len(data))
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def fileno(self) -> int:
        return self._file.fileno()


async def events(http: httpx.AsyncClient, gateway: str, *, token: str, since: str) -> AsyncIterator[tuple[str, Any]]:
    """What becomes of the caller's documents, as (event id, document); ends when the connection does."""
    headers = {"authorization": f"Bearer {token}", **({"last-event-id": since} if since else {})}
    async with http.stream("GET", f"{gateway}/v1/documents/events", headers=headers, timeout=30.0) as response:
        response.raise_for_status()
        fields: dict[str, str] = {}
        async for line in response.aiter_lines():
            name, _, value = line.partition(": ")
            if line:
                fields[name] = value
            else:
                if fields.get("event") == "document":
                    yield fields.get("id", ""), json.loads(fields["data"])
                fields = {}


async def follow(
    http: httpx.AsyncClient, gateway: str, document_id: str, *, token: str
) -> AsyncIterator[dict[str, Any]]:
    """The document each time it was asked for, until it is searchable or has failed."""
    while True:
        response = await http.get(f"{gateway}/v1/documents/{document_id}", headers={"authorization": f"Bearer {token}"})
        document = _content(response, document_id)
        yield document
        if document["status"] in FINAL:
            return
        await asyncio.sleep(POLL_SECONDS)


def _content(response: httpx.Response, what: str) -> dict[str, Any]:
    if response.is_error:
        try:
            detail = response.json()["detail"]
        except (ValueError, KeyError, TypeError):
            detail = f"status {response.status_code}"
        raise UploadError(f"{what}: {detail}")
    content: dict[str, Any] = response.json()
    return content
