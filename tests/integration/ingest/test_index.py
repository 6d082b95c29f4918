"""A version becomes searchable as a whole, once, or fails with a reason; whatever happens in between."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from ingest_service.chunking import Chunk
from ingest_service.index import embedded_text
from ingest_service.parsing.parsed import UnreadableError
from libs.contracts.events import DocumentUploaded
from libs.contracts.values import Principal, own_collection
from libs.errors import TransientError
from tests.builders import a_principal
from tests.integration.ingest.builders import AWAY, REFUSED, BrokenVectors, HashedWords, Library, ParagraphReader
from tests.polling import eventually

TEXT = "One about cards.\n\nTwo about cash.\n\nThree about fees.\n\nFour about limits.\n\nFive about fraud."


async def test_an_uploaded_document_becomes_searchable(library: Library, owner: Principal) -> None:
    """Rows and vectors are there, the collection's version grew, the document says so."""
    document = await library.add(TEXT, by=owner, name="Card_guide.txt")

    await library.index_all()

    collection = own_collection(owner.user_id)
    assert await library.search(collection) == TEXT.split("\n\n")
    assert await library.vector_ids() == await library.chunk_ids()
    assert await library.knowledge_version(collection) == 1
    found = await library.documents.read(document.document_id, owner)
    assert (found.status, found.current_version, found.title) == ("searchable", 1, "Card guide")
    assert (found.progress_done, found.progress_total) == (5, 5)


async def test_a_long_document_is_swapped_in_as_a_whole(pool: asyncpg.Pool, tmp_path: Path, owner: Principal) -> None:
    """In several pieces, in order, with what the new version kept; what it replaces is gone, nothing is left over."""
    library = Library(pool, tmp_path, piece=2)
    await library.add(TEXT, by=owner)
    await library.index_all()
    before = await library.chunk_ids()

    document = await library.add("Zero is new.\n\n" + TEXT.replace("cash", "coins"), by=owner)
    await library.index_all()

    found = await library.documents.read(document.document_id, owner)
    assert (found.status, found.current_version, found.progress_total) == ("searchable", 2, 6)
    assert (await library.search(own_collection(owner.user_id)))[:3] == [
        *("Zero is new.", "One about cards.", "Two about coins.")
    ]
    assert len(before & await library.chunk_ids()) == 4
    assert await library.vector_ids() == await library.chunk_ids()
    assert await pool.fetchval("SELECT count(*) FROM leftovers") == 0


async def test_redelivery_at_any_point_ends_the_same(library: Library, owner: Principal, embedder: HashedWords) -> None:
    """Broken off in mid-embedding, tried again, and delivered once more when done: the same rows, once."""
    await library.add(TEXT, by=owner)
    [event] = library.published
    embedder.failures = [AWAY]
    with pytest.raises(TransientError):
        await library.index(event, last_try=False)
    await library.index(event, last_try=False)
    chunks = await library.chunk_ids()

    await library.index(event, last_try=False)

    assert await library.chunk_ids() == chunks
    assert await library.vector_ids() == chunks
    assert await library.knowledge_version(own_collection(owner.user_id)) == 1


async def test_two_workers_at_once_end_the_same(library: Library, owner: Principal) -> None:
    """An entry that changed hands while its first worker still went on leaves one version."""
    await library.add(TEXT, by=owner)
    [event] = library.published

    await asyncio.gather(library.index(event, last_try=False), library.index(event, last_try=False))

    assert len(await library.chunk_ids()) == 5
    assert await library.vector_ids() == await library.chunk_ids()
    assert await library.knowledge_version(own_collection(owner.user_id)) == 1


async def test_a_new_version_replaces_the_old_as_a_whole(library: Library, owner: Principal) -> None:
    """A reader who looks all the time sees the old text or the new one, never both, half, or none."""
    collection = own_collection(owner.user_id)
    old, new = [[f"{age} {number}" for number in range(40)] for age in ("old", "new")]
    await library.add("\n\n".join(old), by=owner)
    await library.index_all()
    seen: list[list[str]] = []
    done = asyncio.Event()

    async def look() -> None:
        while not done.is_set():
            seen.append(await library.search(collection))

    async def replace() -> None:
        await library.add("\n\n".join(new), by=owner)
        await library.index_all()
        done.set()

    await asyncio.gather(look(), look(), replace())

    assert all(view in (old, new) for view in seen)
    assert old in seen
    assert await library.search(collection) == new
    assert await library.vector_ids() == await library.chunk_ids()
    assert len(library.blob_files()) == 1


async def test_the_old_version_stays_when_the_new_one_fails(library: Library, owner: Principal) -> None:
    """A refused new version changes nothing for questions."""
    await library.add("Old text.", by=owner)
    await library.index_all()
    failing = Library(library.pool, library.folder, reader=RefusingReader())
    document = await failing.add("New text.", by=owner)

    await failing.index_all()

    assert await library.search(own_collection(owner.user_id)) == ["Old text."]
    found = await library.documents.read(document.document_id, owner)
    assert (found.status, found.version, found.current_version) == ("failed", 2, 1)
    assert (found.failure_code, found.failure_message) == ("password_needed", "Save it without a password.")


async def test_a_newer_version_is_not_overtaken_by_an_older_one(library: Library, owner: Principal) -> None:
    """The second upload was quicker: the first one ends without being searchable, and leaves nothing."""
    await library.add("First text.", by=owner)
    await library.add("Second text.", by=owner)
    first, second = library.published

    await library.index(second, last_try=False)
    await library.index(first, last_try=False)

    assert await library.search(own_collection(owner.user_id)) == ["Second text."]
    assert await library.vector_ids() == await library.chunk_ids()
    assert len(library.blob_files()) == 1


async def test_the_last_try_fails_with_a_reason(library: Library, owner: Principal, embedder: HashedWords) -> None:
    """A model that stays away ends the document as failed, not as a dead letter."""
    document = await library.add(TEXT, by=owner)
    embedder.failures = [AWAY, AWAY]

    await library.index_all(last_try=True)

    found = await library.documents.read(document.document_id, owner)
    assert (found.status, found.failure_code) == ("failed", "unavailable")


async def test_what_the_model_refuses_fails_at_once(library: Library, owner: Principal, embedder: HashedWords) -> None:
    """Trying again would not help."""
    document = await library.add(TEXT, by=owner)
    embedder.failures = [REFUSED]

    await library.index_all()

    found = await library.documents.read(document.document_id, owner)
    assert (found.status, found.failure_code) == ("failed", "not_indexed")


async def test_a_document_deleted_in_the_middle_leaves_nothing(
    library: Library, owner: Principal, embedder: HashedWords
) -> None:
    """Its work stops, and vectors that were written after the deletion are removed."""
    document = await library.add(TEXT, by=owner)
    embedder.gate.clear()
    indexing = asyncio.ensure_future(library.index_all())

    async def embedding() -> bool:
        return (await library.documents.read(document.document_id, owner)).status == "embedding"

    assert await eventually(embedding)
    await library.removal.remove((await library.documents.delete(document.document_id, owner)).leftover)
    embedder.gate.set()
    await indexing

    assert await library.vector_ids() == set()
    assert await library.chunk_ids() == set()
    assert library.blob_files() == []


async def test_an_event_of_a_document_that_never_was_is_finished(library: Library, owner: Principal) -> None:
    """Nothing happens, and nothing is raised."""
    await library.index(DocumentUploaded(document_id=owner.user_id, version=1, owner=owner), last_try=False)


async def test_what_could_not_be_removed_stays_noted(pool: asyncpg.Pool, tmp_path: Path, library: Library) -> None:
    """With the vector store away a deletion still holds at once, and the sweep's list has what is left."""
    owner = a_principal()
    document = await library.add(TEXT, by=owner)
    await library.index_all()
    away = Library(pool, tmp_path, vectors=BrokenVectors())

    await away.removal.try_to_remove((await away.documents.delete(document.document_id, owner)).leftover)

    assert await library.search(own_collection(owner.user_id)) == []
    assert await library.knowledge_version(own_collection(owner.user_id)) == 2
    [leftover] = await library.removal.old(seconds=0, limit=10)
    await library.removal.remove(leftover)
    assert await library.vector_ids() == set()
    assert await library.removal.old(seconds=0, limit=10) == []


async def test_a_blob_that_another_document_needs_stays(library: Library, owner: Principal) -> None:
    """Two owners uploaded the same bytes; one deletes."""
    other = a_principal()
    first = await library.add(TEXT, by=owner)
    await library.add(TEXT, by=other)
    await library.index_all()

    await library.removal.remove((await library.documents.delete(first.document_id, owner)).leftover)

    assert len(library.blob_files()) == 1
    assert await library.search(own_collection(other.user_id)) == TEXT.split("\n\n")


def test_what_is_embedded_says_what_it_is_about() -> None:
    """Title and headings come first, none twice, and not without bound."""
    chunk = Chunk("Fees\n\nNone.", 0, 11, None, ("Cards", "Plus", "Fees"))

    assert embedded_text("Cards", chunk) == "Cards > Plus\nFees\n\nNone."
    assert len(embedded_text("x" * 1000, chunk)) < 200


class RefusingReader(ParagraphReader):
    """Every file needs a password."""

    async def read(self, *_: object, **__: object) -> tuple[str | None, list[Chunk]]:
        raise UnreadableError("password_needed", "Save it without a password.")
