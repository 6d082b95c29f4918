"""Uploading documents and following them until questions find them."""

import asyncio
import mimetypes
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx

UPLOAD_TIMEOUT_SECONDS = 120.0
POLL_SECONDS = 0.3
FINAL = frozenset({"searchable", "failed"})
_TOO_MANY_REQUESTS, _UNAVAILABLE = 429, 503
_TRIES = 8


class UploadError(Exception):
    """The document was refused; the message says why."""


async def upload(http: httpx.AsyncClient, gateway: str, path: Path, *, token: str, collection: str) -> dict[str, Any]:
    """The document as the service answered: accepted, not searchable yet.

    Raises:
        UploadError: it was refused.
    """
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    for attempt in range(1, _TRIES + 1):
        with path.open("rb") as file:
            response = await http.post(
                f"{gateway}/v1/documents",
                headers={"authorization": f"Bearer {token}"},
                data={"collection": collection},
                files={"file": (path.name, file, media_type)},
                timeout=UPLOAD_TIMEOUT_SECONDS,
            )
        if response.status_code not in {_TOO_MANY_REQUESTS, _UNAVAILABLE} or attempt == _TRIES:
            break
        await asyncio.sleep(float(response.headers.get("retry-after", "1")))
    return _content(response, path.name)


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
