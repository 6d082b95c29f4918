"""Documents are followed to their end: by waiting, by events of one, by events of all that somebody uploaded."""

import asyncio
import json
from typing import Any
from uuid import UUID

import httpx

from ingest_service.changes import Changes
from ingest_service.watch import Seen, follow_all
from libs.contracts.values import Principal
from tests.builders import a_principal
from tests.integration.ingest.api_calls import as_, post
from tests.integration.ingest.builders import HashedWords, Library

TEXT = "\n\n".join(f"Paragraph {number}." for number in range(20))


def events_of(body: str) -> list[dict[str, Any]]:
    """The events of a stream, as EventSource would give them."""
    events = []
    for block in body.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "data" in fields:
            events.append({**fields, "data": json.loads(fields["data"])})
    return events


async def test_one_document_is_followed_to_its_end(
    http: httpx.AsyncClient, library: Library, owner: Principal, embedder: HashedWords
) -> None:
    """A snapshot first, then each change; the stream ends with the document, and is not asked for twice."""
    document = (await post(http, owner, TEXT)).json()
    path = f"/v1/documents/{document['id']}/events"
    embedder.gate.clear()
    indexing = asyncio.ensure_future(library.index_all())

    async def let_go() -> None:
        while (await library.documents.read(UUID(document["id"]), owner)).status != "embedding":
            await asyncio.sleep(0)
        embedder.gate.set()

    stream, _ = await asyncio.gather(http.get(path, headers=as_(owner)), let_go())
    await indexing
    events = events_of(stream.text)
    again = await http.get(path, headers=as_(owner) | {"last-event-id": events[-1]["id"]})
    anew = await http.get(path, headers=as_(owner) | {"last-event-id": "nonsense"})

    assert stream.headers["content-type"].startswith("text/event-stream")
    assert [event["event"] for event in events] == ["document"] * len(events)
    assert events[-1]["data"]["status"] == "searchable"
    assert events[-1]["data"] == (await http.get(f"/v1/documents/{document['id']}", headers=as_(owner))).json()
    assert again.status_code == 204
    assert [event["data"]["status"] for event in events_of(anew.text)] == ["searchable"]


async def test_a_deletion_ends_the_stream(http: httpx.AsyncClient, owner: Principal) -> None:
    """Whoever follows a document that is deleted is told so."""
    document = (await post(http, owner, TEXT)).json()
    path = f"/v1/documents/{document['id']}"

    stream, _ = await asyncio.gather(
        http.get(f"{path}/events", headers=as_(owner)), http.delete(path, headers=as_(owner))
    )

    assert events_of(stream.text)[-1] == {"event": "deleted", "data": {"id": document["id"]}}


async def test_a_strangers_stream_is_not_there(http: httpx.AsyncClient, owner: Principal) -> None:
    """As if the document were missing."""
    document = (await post(http, owner, TEXT)).json()

    answer = await http.get(f"/v1/documents/{document['id']}/events", headers=as_(a_principal()))

    assert (answer.status_code, answer.json()["code"]) == (404, "document_not_found")


async def test_all_of_ones_documents_are_followed(library: Library, owner: Principal) -> None:
    """What has not ended comes first, then every change, new uploads and deletions; nothing of anybody else's."""
    await library.add("Ended before.", by=owner, name="before.txt")
    await library.index_all()
    await library.add("Of another.", by=a_principal())
    first = await library.add("First.", by=owner, name="first.txt")
    stream = follow_all(Changes(library.pool), owner, since=None)
    seen: list[Seen] = []

    async def until(kind: str, document_id: UUID, status: str | None) -> None:
        async for one in stream:
            seen.append(one)
            now = one.document.status if one.document else None
            if (one.kind, one.document_id, now) == (kind, document_id, status):
                return

    async with asyncio.timeout(10):
        await until("document", first.document_id, "uploaded")
        second = await library.add("Second.", by=owner, name="second.txt")
        await until("document", second.document_id, "uploaded")
        library.published = [event for event in library.published if event.document_id == first.document_id]
        await library.index_all()
        await until("document", first.document_id, "searchable")
        await library.documents.delete(second.document_id, owner)
        await until("deleted", second.document_id, None)

    names = {one.document.file_name for one in seen if one.document is not None}
    assert names <= {"first.txt", "second.txt", "before.txt"}
    assert seen[0].document_id == first.document_id


async def test_waiting_answers_when_questions_find_it(
    http: httpx.AsyncClient, library: Library, owner: Principal
) -> None:
    """The answer to the upload, or to a look, comes with the end; a failure ends the wait, too."""

    async def work() -> None:
        while not library.published:
            await asyncio.sleep(0)
        await library.index_all()

    headers, file = as_(owner), {"file": ("notes.txt", TEXT)}
    uploaded, _ = await asyncio.gather(http.post("/v1/documents?wait=searchable", headers=headers, files=file), work())
    looked = await http.get(f"/v1/documents/{uploaded.json()['id']}?wait=searchable", headers=headers)

    assert (uploaded.status_code, uploaded.json()["status"]) == (202, "searchable")
    assert looked.json()["status"] == "searchable"
