"""An owner's documents take turns, can be cancelled and retried, and always come to an end."""

import asyncio
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx
import pytest

from ingest_service.work import Begun, Queued
from libs.contracts.values import Principal, own_collection
from tests.builders import a_principal
from tests.integration.ingest.api_calls import as_, post
from tests.integration.ingest.builders import AWAY, BrokenVectors, HashedWords, Library
from tests.integration.ingest.test_sweep import swept
from tests.polling import eventually

TEXT = "One about cards.\n\nTwo about cash.\n\nThree about fees.\n\nFour about limits.\n\nFive about fraud."


@pytest.fixture
def narrow(pool: asyncpg.Pool, tmp_path: Path, embedder: HashedWords) -> Library:
    """Two places for everybody."""
    return Library(pool, tmp_path, embedder=embedder, places=2)


async def status_of(library: Library, document_id: UUID, owner: Principal) -> str:
    return (await library.documents.read(document_id, owner)).status


async def test_a_big_upload_waits_for_itself_and_nobody_else(narrow: Library, owner: Principal) -> None:
    """Beyond two under way an owner's documents are queued rows; another owner's begins at once; each end opens one."""
    mine = [await narrow.add(f"Text {number}.", by=owner, name=f"{number}.txt") for number in range(5)]
    other = a_principal()
    theirs = await narrow.add("Short text.", by=other)

    begun = [event.document_id for event in narrow.published]
    queued = [await status_of(narrow, document.document_id, owner) for document in mine[2:]]

    assert begun == [mine[0].document_id, mine[1].document_id, theirs.document_id]
    assert queued == ["queued", "queued", "queued"]
    await narrow.index(narrow.published.pop(0), last_try=False)
    assert [event.document_id for event in narrow.published][2:] == [mine[2].document_id]
    await narrow.index_all()
    assert len(await narrow.search(own_collection(owner.user_id))) == 5


async def test_every_worker_sees_what_is_before_all_of_them(
    narrow: Library, owner: Principal, embedder: HashedWords
) -> None:
    """One is embedded, one waits for a worker, two for their turn, and one has ended."""
    await narrow.add("Ended.", by=owner, name="ended.txt")
    await narrow.index_all()
    for number in range(4):
        await narrow.add(TEXT, by=owner, name=f"{number}.txt")
    embedder.gate.clear()
    first = narrow.published.pop(0)
    indexing = asyncio.ensure_future(narrow.index(first, last_try=False))

    async def is_embedded() -> bool:
        return await status_of(narrow, first.document_id, owner) == "embedding"

    assert await eventually(is_embedded)

    backlog = await narrow.versions.backlog()

    assert backlog == (
        [Queued("text/plain", 3, 3 * len(TEXT))],
        [Begun(first.document_id, "text/plain", len(TEXT), done=0, total=5)],
    )
    embedder.gate.set()
    await indexing


async def test_what_is_queued_and_overtaken_is_not_indexed(narrow: Library, owner: Principal) -> None:
    """Of five versions of a name that wait only the last one is worked on, and no blob of the others is left."""
    for number in range(2):
        await narrow.add(f"Text {number}.", by=owner, name=f"{number}.txt")
    for number in range(5):
        await narrow.add(f"Version {number}.", by=owner, name="often.txt")

    await narrow.index_all()
    await swept(narrow)

    assert sorted(await narrow.search(own_collection(owner.user_id))) == ["Text 0.", "Text 1.", "Version 4."]
    assert len(narrow.blob_files()) == 3


async def test_uploads_and_ends_at_once_leave_nobody_waiting(narrow: Library, owner: Principal) -> None:
    """However uploads and ends interleave, no queued row is forgotten: the sweep is not needed."""
    adding = True

    async def add() -> None:
        nonlocal adding
        for number in range(20):
            await narrow.add(f"Text {number}.", by=owner, name=f"{number}.txt")
        adding = False

    async def work() -> None:
        while adding or narrow.published:
            if narrow.published:
                await narrow.index(narrow.published.pop(0), last_try=False)
            await asyncio.sleep(0)

    await asyncio.gather(add(), work(), work())

    assert len(await narrow.search(own_collection(owner.user_id))) == 20


async def test_a_lost_beginning_is_swept_up(narrow: Library, owner: Principal) -> None:
    """A worker that died between an end and the next beginning: the sweep opens what waits."""
    documents = [await narrow.add(f"Text {number}.", by=owner, name=f"{number}.txt") for number in range(3)]
    await narrow.pool.execute(
        "UPDATE document_versions SET status = 'failed' WHERE document_id = $1", documents[0].document_id
    )

    published = await swept(narrow)

    assert documents[2].document_id in [event.document_id for event in published]


async def test_a_cancelled_document_ends_and_can_be_retried(
    http: httpx.AsyncClient, library: Library, owner: Principal, embedder: HashedWords
) -> None:
    """Its work stops at the next step and leaves no vector; a retry makes it searchable from the bytes kept."""
    document = (await post(http, owner, TEXT)).json()
    path = f"/v1/documents/{document['id']}"
    embedder.gate.clear()
    indexing = asyncio.ensure_future(library.index_all())

    async def embedding() -> bool:
        return await status_of(library, UUID(document["id"]), owner) == "embedding"

    assert await eventually(embedding)
    cancelled = (await http.post(f"{path}/cancel", headers=as_(owner))).json()
    embedder.gate.set()
    await indexing
    vectors = await library.vector_ids()
    retried = await http.post(f"{path}/retry", headers=as_(owner))
    await library.index_all()
    again = await http.post(f"{path}/retry", headers=as_(owner))

    assert (cancelled["status"], cancelled["failure"]["code"]) == ("failed", "cancelled")
    assert vectors == set()
    assert (retried.status_code, retried.json()["status"], retried.json()["version"]) == (202, "uploaded", 1)
    assert (await http.get(path, headers=as_(owner))).json()["status"] == "searchable"
    assert (await library.vector_ids()) == (await library.chunk_ids())
    assert (again.status_code, again.json()["code"]) == (409, "already_searchable")


async def test_only_who_may_delete_may_cancel_and_retry(http: httpx.AsyncClient, owner: Principal) -> None:
    """To others the document is not there."""
    document = (await post(http, owner, TEXT)).json()

    for action in ("cancel", "retry"):
        answer = await http.post(f"/v1/documents/{document['id']}/{action}", headers=as_(a_principal()))
        assert (answer.status_code, answer.json()["code"]) == (404, "document_not_found")


async def test_a_poison_document_is_in_quarantine_until_it_is_retried(library: Library, owner: Principal) -> None:
    """Its entry was buried: it has failed with that reason, its owner's next begins, an old burial harms no new try."""
    document = await library.add(TEXT, by=owner)
    [event] = library.published
    library.published.clear()
    buried = event.buried("its worker went silent 5 times")

    await library.index.give_up(buried)
    failed = await library.documents.read(document.document_id, owner)
    await library.steering.retry(document.document_id, owner)
    await library.index.give_up(buried)
    await library.index(event, last_try=False)
    waiting = await status_of(library, document.document_id, owner)
    await library.index_all()

    assert (failed.status, failed.failure_code) == ("failed", "quarantined")
    assert waiting == "uploaded"
    assert await status_of(library, document.document_id, owner) == "searchable"


async def test_vectors_of_work_that_was_given_up_are_collected(
    pool: asyncpg.Pool, tmp_path: Path, library: Library, owner: Principal, embedder: HashedWords
) -> None:
    """A worker died in mid-embedding, and nobody came back: once the version has ended its vectors go."""
    document = await library.add(TEXT, by=owner)
    embedder.failures = [None, None, AWAY]
    with pytest.raises(type(AWAY)):
        await library.index(library.published[0], last_try=False)
    written = await library.vector_ids()
    await swept(library)
    kept = await library.vector_ids()
    away = Library(pool, tmp_path, vectors=BrokenVectors())
    await away.index.give_up(library.published[0].buried("silence"))
    await swept(library)

    assert written
    assert kept == written
    assert await library.vector_ids() == set()
    assert await status_of(library, document.document_id, owner) == "failed"


async def test_a_changed_page_embeds_only_what_changed(
    library: Library, owner: Principal, embedder: HashedWords
) -> None:
    """Equal chunks keep id and vector, also where they moved; the rest is new; nothing is left over."""
    await library.add(TEXT, by=owner)
    await library.index_all()
    before = await library.chunk_ids()
    embedder.texts.clear()

    await library.add("Zero is new.\n\n" + TEXT.replace("cash", "coins"), by=owner)
    await library.index_all()

    assert sorted(text.splitlines()[-1] for text in embedder.texts) == ["Two about coins.", "Zero is new."]
    assert len(before & await library.chunk_ids()) == 4
    assert await library.vector_ids() == await library.chunk_ids()
    assert len(await library.search(own_collection(owner.user_id))) == 6


async def test_documents_are_found_by_name_and_status(http: httpx.AsyncClient, library: Library) -> None:
    """Each filter alone and together, with a cursor."""
    owner = a_principal()
    for name in ("Fees 2024.txt", "fees 2025.txt", "100%_notes.txt"):
        await post(http, owner, f"Text of {name}.", name=name)
    await library.index(library.published[0], last_try=False)

    async def names(**wanted: str) -> list[str]:
        found = await http.get("/v1/documents", headers=as_(owner), params=wanted)
        return [item["file_name"] for item in found.json()["items"]]

    assert await names(name="FEES") == ["fees 2025.txt", "Fees 2024.txt"]
    assert await names(name="%_") == ["100%_notes.txt"]
    assert await names(name="fees", status="searchable") == ["Fees 2024.txt"]
