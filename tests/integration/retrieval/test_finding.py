"""What a question finds, and what it never finds: rights, new, replaced and deleted documents."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from libs.contracts.values import own_collection
from retrieval_service.passages import PostgresPassages
from retrieval_service.ports import Knowledge
from tests.builders import a_principal
from tests.integration.retrieval.builders import Shelf
from tests.integration.retrieval.conftest import Ask, HashedWords

QUESTION = "how long does a transfer take"
ANSWER = "a transfer does take ten seconds"


async def test_a_passage_comes_with_its_place(shelf: Shelf, ask: Ask) -> None:
    """Everything a citation needs is the row's: document, version, title, type, page, heading, span and text."""
    document_id = await shelf.add(ANSWER, "quite another matter")

    [passage] = await ask(QUESTION)

    assert (passage.document_id, passage.version, passage.text) == (document_id, 1, ANSWER)
    assert (passage.title, passage.media_type) == (f"{document_id}.md", "text/markdown")
    assert (passage.place.page, passage.place.heading) == (2, ("Payments", "Times"))
    assert (passage.place.start, passage.place.end) == (10, 10 + len(ANSWER))
    assert (passage.place.page_starts, passage.place.rows, passage.place.slide) == ((12,), (3, 4), None)
    assert 0.2 <= passage.score <= 1


async def test_nobody_finds_anothers_document(shelf: Shelf, ask: Ask) -> None:
    """Neither freshly searched nor out of the cache that somebody else has filled with the same question."""
    owner, stranger, guest = a_principal(), a_principal(), a_principal(is_guest=True)
    await shelf.add(ANSWER, collection=own_collection(owner.user_id))
    await shelf.add("a transfer may take long", collection="public")
    await shelf.add("nothing at all", collection=own_collection(stranger.user_id))

    for _ in range(2):
        assert {p.text for p in await ask(QUESTION, by=owner)} == {ANSWER, "a transfer may take long"}
        assert [p.text for p in await ask(QUESTION, by=stranger)] == ["a transfer may take long"]
        assert [p.text for p in await ask(QUESTION, by=guest)] == ["a transfer may take long"]


class LyingIndex:
    """Names every chunk there is, whoever asks."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def search(
        self, vector: Sequence[float], *, collections: Sequence[str], top_k: int
    ) -> list[tuple[UUID, float]]:
        return [(row["chunk_id"], 0.99) for row in await self._pool.fetch("SELECT chunk_id FROM chunks")]


async def test_rights_do_not_rest_on_the_vector_store(shelf: Shelf, ask: Ask, pool: asyncpg.Pool) -> None:
    """A store that returns others' chunks (a wrong namespace, a mistake of its own) gives away nothing."""
    await shelf.add("public matters")
    await shelf.add("private matters", collection=own_collection(a_principal().user_id))

    assert [p.text for p in await ask(QUESTION, index=LyingIndex(pool))] == ["public matters"]


async def test_a_new_document_is_found_at_once(shelf: Shelf, ask: Ask, embedder: HashedWords) -> None:
    """Also right after the same question found nothing and that was remembered; the question is not embedded again."""
    await shelf.add("quite another matter")
    assert await ask(QUESTION) == ()
    assert await ask(QUESTION) == ()

    await shelf.add(ANSWER)

    assert [p.text for p in await ask(QUESTION)] == [ANSWER]
    assert embedder.calls == 1


async def test_a_deleted_document_is_never_found_again(shelf: Shelf, ask: Ask) -> None:
    """With its vectors still there and the cache still warm."""
    document_id = await shelf.add(ANSWER)
    assert len(await ask(QUESTION)) == 1

    await shelf.delete(document_id)

    assert await ask(QUESTION) == ()
    assert await ask("does a transfer take seconds") == ()


async def test_even_a_cached_ranking_cannot_bring_back_a_text(shelf: Shelf, ask: Ask) -> None:
    """The cache holds ids only: whoever deletes the row takes the text away, though the version were not raised."""
    document_id = await shelf.add(ANSWER)
    assert len(await ask(QUESTION)) == 1

    await shelf.delete(document_id, raise_version=False)

    assert await ask(QUESTION) == ()


async def test_a_new_version_replaces_the_old_one_as_a_whole(shelf: Shelf, ask: Ask) -> None:
    """From its transaction on only the new passages are found, with the old vectors still there."""
    document_id = await shelf.add(ANSWER, "a transfer does take two hours")
    await ask(QUESTION)

    await shelf.replace(document_id, "a transfer does take four days")

    [passage] = await ask(QUESTION)
    assert (passage.text, passage.version) == ("a transfer does take four days", 2)


async def test_a_document_in_two_collections_is_given_once(shelf: Shelf, ask: Ask) -> None:
    """The same text, public and in one's own collection, takes one place."""
    me = a_principal()
    await shelf.add(ANSWER)
    await shelf.add(ANSWER, collection=own_collection(me.user_id))

    assert len(await ask(QUESTION, by=me)) == 1


async def test_what_may_be_read_is_counted(shelf: Shelf, pool: asyncpg.Pool) -> None:
    """The chunks of the reader's collections, in whatever languages, and of no other."""
    owner, stranger = a_principal(), a_principal()
    mine = own_collection(owner.user_id)
    german = await shelf.add("eins", "zwei", collection=mine)
    await shelf.add("three", collection=mine)
    await shelf.add("four", collection="public")
    await pool.execute("UPDATE chunks SET language = 'german' WHERE document_id = $1", german)
    passages = PostgresPassages(pool)

    assert await passages.knowledge(owner) == Knowledge({mine: 2, "public": 1}, chunks=4)
    assert await passages.knowledge(stranger) == Knowledge({"public": 1}, chunks=1)
    await shelf.delete(german, collection=mine)
    assert (await passages.knowledge(owner)).chunks == 2
