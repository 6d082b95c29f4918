"""A document as it was uploaded: for whom, which version, and what a browser may do with it."""

import asyncio
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from typing import cast
from urllib.parse import unquote
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from ingest_service.collections import Change
from ingest_service.content_api import content_router
from ingest_service.contents import Contents
from ingest_service.ports import Blobs
from ingest_service.streams import STREAMS_OF_ONE_MAX
from libs.auth.http import authenticated
from libs.blobs.pieces import PIECE_BYTES
from libs.contracts.values import Principal
from libs.service.app import build_app
from libs.service.health import Health
from tests.builders import a_principal
from tests.integration.ingest.api_calls import Tokens, as_, post
from tests.integration.ingest.builders import Library, an_editor
from tests.polling import eventually

TEXT = b"One about cards.\n\nTwo about cash."


async def read(
    http: httpx.AsyncClient, by: Principal, document: object, version: int | None = None, **headers: str
) -> httpx.Response:
    path = f"/v1/documents/{document}/content"
    params = {} if version is None else {"version": version}
    return await http.get(path, params=params, headers=as_(by) | {k.replace("_", "-"): v for k, v in headers.items()})


def problem(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


async def test_the_owner_gets_what_was_uploaded(http: httpx.AsyncClient, library: Library, owner: Principal) -> None:
    """Every byte, before and after it is searchable, with its hash to ask by; a second time it need not come."""
    document = await library.add(TEXT, by=owner, name="notes.txt")
    early = await read(http, owner, document.document_id)
    await library.index_all()

    whole = await read(http, owner, document.document_id, 1)
    again = await read(http, owner, document.document_id, if_none_match=f'"other", {whole.headers["etag"]}')

    assert early.content == whole.content == TEXT
    assert (whole.status_code, whole.headers["content-length"]) == (200, str(len(TEXT)))
    assert whole.headers["content-type"] == "text/plain"
    assert (again.status_code, again.content) == (304, b"")
    assert {one.headers["cache-control"] for one in (whole, again)} == {"private, no-cache"}


async def test_who_may_be_answered_from_it_may_read_it(http: httpx.AsyncClient, library: Library) -> None:
    """A group while it may, everybody what is public; to all others it is byte for byte what never was."""
    owner, member = a_principal(groups=("finance",)), a_principal(groups=("finance",))
    strangers = [a_principal(groups=("audit",)), a_principal(is_guest=True, groups=("finance",)), an_editor()]
    wanted = {"name": "Budget", "groups": {"finance": "read"}}
    shared = (await http.post("/v1/collections", headers=as_(owner), json=wanted)).json()["id"]
    budget = await library.add(TEXT, by=owner, collection=shared)
    public = await library.add(TEXT, by=an_editor(), collection="public")
    missing = await read(http, owner, uuid4())

    assert (await read(http, member, budget.document_id)).content == TEXT
    for stranger in strangers:
        theirs = await read(http, stranger, budget.document_id)
        assert problem(theirs) == (404, "document_not_found")
        assert theirs.content == missing.content
        assert (await read(http, stranger, public.document_id)).content == TEXT
    await library.collections.change(owner, shared, Change(groups={"finance": None}))

    assert problem(await read(http, member, budget.document_id)) == (404, "document_not_found")
    known = await read(http, member, budget.document_id, if_none_match="*")
    assert problem(known) == (404, "document_not_found")
    assert problem(await read(http, owner, "no-id")) == (404, "document_not_found")


async def test_a_version_that_was_replaced_is_gone(http: httpx.AsyncClient, library: Library, owner: Principal) -> None:
    """With a reason that says what to do; what never was is not found, and a deletion takes all of it."""
    first = await library.add("Old.", by=owner)
    await library.index_all()
    await library.add("New.", by=owner)
    while_both = await read(http, owner, first.document_id)
    await library.index_all()

    assert while_both.content == b"Old."
    assert (await read(http, owner, first.document_id)).content == b"New."
    assert (await read(http, owner, first.document_id, 2)).content == b"New."
    assert problem(await read(http, owner, first.document_id, 1)) == (410, "version_replaced")
    assert problem(await read(http, owner, first.document_id, 3)) == (404, "version_not_found")
    assert problem(await read(http, owner, first.document_id, 0)) == (422, "invalid_request")
    await library.documents.delete(first.document_id, owner)
    assert problem(await read(http, owner, first.document_id, 2)) == (404, "document_not_found")


@pytest.mark.parametrize(
    ("asked", "status", "content"),
    [
        ("bytes=4-8", 206, TEXT[4:9]),
        ("bytes=4-", 206, TEXT[4:]),
        ("bytes=-5", 206, TEXT[-5:]),
        ("bytes=-5000", 206, TEXT),
        ("bytes=4-5000", 206, TEXT[4:]),
        ("bytes=8-4", 200, TEXT),
        ("bytes=0-1,4-5", 200, TEXT),
        ("bytes=-", 200, TEXT),
        ("lines=1-2", 200, TEXT),
        ("bytes=5000-", 416, None),
        ("bytes=-0", 416, None),
    ],
)
async def test_a_part_can_be_asked_for(
    http: httpx.AsyncClient, library: Library, owner: Principal, asked: str, status: int, content: bytes | None
) -> None:
    """Whatever is no single range is the whole, and so is a part of what has become another file."""
    document = (await library.add(TEXT, by=owner)).document_id

    part = await read(http, owner, document, range=asked)
    of_another = await read(http, owner, document, range=asked, if_range='"another"')

    assert part.status_code == status
    assert content is None or part.content == content
    if status == 206:
        start = TEXT.index(part.content)
        assert part.headers["content-range"] == f"bytes {start}-{start + len(part.content) - 1}/{len(TEXT)}"
        assert part.headers["content-length"] == str(len(part.content))
    if status == 416:
        assert part.headers["content-range"] == f"bytes */{len(TEXT)}"
    assert (of_another.status_code, of_another.content) == (200, TEXT)


@pytest.mark.parametrize(
    ("name", "content", "kind", "media_type"),
    [
        ("a.txt", TEXT, "inline", "text/plain"),
        ("a.pdf", b"%PDF-1.4\nsomething", "inline", "application/pdf"),
        ("a.html", b"<!doctype html><html><script>alert(1)</script></html>", "attachment", "text/html"),
        ("a.md", b"# Title\n\nText.", "attachment", "text/markdown"),
        ("a.json", b'{"a": 1}', "attachment", "application/json"),
    ],
)
async def test_what_could_run_is_only_ever_saved(
    http: httpx.AsyncClient, owner: Principal, name: str, content: bytes, kind: str, media_type: str
) -> None:
    """PDF and plain text may be shown; nothing may be guessed to be something else, or do anything."""
    document = (await post(http, owner, content, name=name)).json()["id"]

    found = await read(http, owner, document)

    assert (found.content, found.headers["content-type"]) == (content, media_type)
    assert found.headers["content-disposition"].partition(";")[0] == kind
    assert found.headers["x-content-type-options"] == "nosniff"
    assert found.headers["content-security-policy"] == "sandbox; default-src 'none'"


@pytest.mark.parametrize(
    ("name", "plain", "shown"),
    [
        ('a"; filename=b.exe', "a__ filename_b.exe", "a_; filename=b.exe"),
        ("Größe & Preis €.txt", "Gr__e _ Preis _.txt", "Größe & Preis €.txt"),
        ("invoice\u202efdp.txt", "invoice_fdp.txt", "invoice_fdp.txt"),
        ("100%25.txt", "100_25.txt", "100%25.txt"),
        ("😀" * 8 + ".txt", "_" * 8 + ".txt", "😀" * 8 + ".txt"),
    ],
)
async def test_a_name_stays_a_name(
    http: httpx.AsyncClient, library: Library, owner: Principal, name: str, plain: str, shown: str
) -> None:
    """It ends no header, names no folder and hides nothing; what reads RFC 8187 gets every letter of it."""
    document = (await library.add(TEXT, by=owner, name=name)).document_id

    disposition = (await read(http, owner, document)).headers["content-disposition"]

    simple, _, extended = disposition.removeprefix("inline; filename=").partition("; filename*=UTF-8''")
    assert (simple, unquote(extended)) == (f'"{plain}"', shown)
    assert disposition.isascii()


class Watched:
    """The library's blobs, and how much of them has been read and let go of."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self.read = self.closed = 0

    @asynccontextmanager
    async def pieces(self, key: str, *, start: int, end: int) -> AsyncIterator[AsyncIterator[bytes]]:
        async with self._library.blobs.pieces(key, start=start, end=end) as pieces:
            try:
                yield self._counted(pieces)
            finally:
                self.closed += 1

    async def _counted(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for piece in pieces:
            self.read += len(piece)
            yield piece


def a_request(path: str, by: Principal) -> dict[str, object]:
    headers = [(name.encode(), value.encode()) for name, value in as_(by).items()]
    asgi = {"version": "3.0", "spec_version": "2.3"}
    return {"type": "http", "asgi": asgi, "method": "GET", "path": path, "query_string": b"", "headers": headers}


async def take(app: FastAPI, path: str, by: Principal, *, pieces: int) -> None:
    """As a client does that takes no more after so many pieces, and then leaves."""
    left, taken = asyncio.Event(), 0

    async def receive() -> dict[str, object]:
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, object]) -> None:
        nonlocal taken
        taken += message["type"] == "http.response.body"
        if taken == pieces:
            left.set()
            await asyncio.Event().wait()

    await app(a_request(path, by), receive, send)


async def test_a_large_file_is_never_held(library: Library, owner: Principal) -> None:
    """It goes in pieces, each read when the one before was taken; who leaves in the midst holds nothing any more."""
    content = b"0123456789abcdef" * (20 * PIECE_BYTES // 16)
    document = (await library.add(content, by=owner)).document_id
    watched = Watched(library)
    # The store's other calls are not made here.
    contents = Contents(library.pool, cast("Blobs", watched))
    app = build_app(
        "ingest-api",
        title="Documents",
        health=Health(),
        routers=[content_router(contents, principal=authenticated(Tokens()))],
    )

    for times in range(1, 2 * STREAMS_OF_ONE_MAX):
        await take(app, f"/v1/documents/{document}/content", owner, pieces=3)
        assert (watched.read, watched.closed) == (times * 3 * PIECE_BYTES, times)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        assert (await read(http, owner, document)).content == content


async def test_nobody_takes_all_places(library: Library, app: FastAPI, owner: Principal) -> None:
    """Of one caller so many at once; the next one is told to wait, and gets it when one has ended."""
    document = (await library.add(TEXT, by=owner)).document_id
    path, ends = f"/v1/documents/{document}/content", asyncio.Event()
    begun = 0

    async def receive() -> dict[str, object]:
        await ends.wait()
        return {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, object]) -> None:
        nonlocal begun
        begun += message["type"] == "http.response.start"
        await ends.wait()

    async def all_begun() -> bool:
        return begun == STREAMS_OF_ONE_MAX

    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http, asyncio.TaskGroup() as tasks:
        for _ in range(STREAMS_OF_ONE_MAX):
            tasks.create_task(app(a_request(path, owner), receive, send))
        await eventually(all_begun)
        refused, another = await read(http, owner, document), await read(http, a_principal(), document)
        ends.set()

    assert problem(refused) == (429, "too_many_streams")
    assert problem(another) == (404, "document_not_found")
