"""What is larger than bodies may be is refused, said truthfully or not."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import APIRouter, Request
from pydantic import BaseModel

from libs.service.app import build_app
from libs.service.bodies import JSON_BODY_MAX_BYTES
from libs.service.health import Health


class Note(BaseModel):
    """What a route reads."""

    text: str


@pytest.fixture
async def api() -> AsyncIterator[httpx.AsyncClient]:
    """An API with a route that reads JSON, and one for uploads."""
    router = APIRouter()

    @router.post("/notes")
    async def notes(note: Note) -> int:
        return len(note.text)

    @router.post("/uploads")
    async def uploads(request: Request) -> int:
        return len(await request.body())

    app = build_app("test", title="Test", health=Health(), routers=[router], own_body_limits=["/uploads"])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client


def a_note(size: int) -> bytes:
    empty = b'{"text":""}'
    return empty[:-2] + b"x" * (size - len(empty)) + empty[-2:]


async def test_a_body_of_the_size_that_is_allowed_is_read(api: httpx.AsyncClient) -> None:
    """To the byte."""
    response = await api.post(
        "/notes", content=a_note(JSON_BODY_MAX_BYTES), headers={"content-type": "application/json"}
    )

    assert response.json() == JSON_BODY_MAX_BYTES - len(a_note(11))


async def test_a_body_that_says_it_is_larger_is_not_read(api: httpx.AsyncClient) -> None:
    """A problem with a stable code."""
    response = await api.post("/notes", content=a_note(JSON_BODY_MAX_BYTES + 1))

    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")


async def test_a_body_that_does_not_say_it_is_read_no_further(api: httpx.AsyncClient) -> None:
    """In pieces, without a length, and endless."""
    sent = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 100 * JSON_BODY_MAX_BYTES:
            sent += 4096
            yield b"x" * 4096

    response = await api.post("/notes", content=pieces(), headers={"content-type": "application/json"})

    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")
    assert sent <= JSON_BODY_MAX_BYTES + 4096


async def test_an_upload_has_a_limit_of_its_own(api: httpx.AsyncClient) -> None:
    """Its route says it."""
    response = await api.post("/uploads", content=b"x" * (2 * JSON_BODY_MAX_BYTES))

    assert response.json() == 2 * JSON_BODY_MAX_BYTES
