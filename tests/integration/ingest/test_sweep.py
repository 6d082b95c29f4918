"""What a crash left half done is finished by the sweep, and nothing else is touched."""

from ingest_service.stalled import StalledVersions
from ingest_service.sweep import Patience, sweep
from libs.contracts.events import DocumentUploaded, Event
from libs.contracts.values import Principal, own_collection
from tests.integration.ingest.builders import Library

AT_ONCE = Patience(idle_seconds=0, overdue_seconds=3600, max_publications=3, unpublished_seconds=0, leftover_seconds=0)
NOT_YET = Patience(
    idle_seconds=3600, overdue_seconds=3600, max_publications=3, unpublished_seconds=3600, leftover_seconds=3600
)


async def swept(library: Library, *, patience: Patience = AT_ONCE, waiting: int = 0) -> list[DocumentUploaded]:
    """What one sweep published, with so many entries on the stream."""
    library.published.clear()

    async def backlog(_event: Event) -> int:
        return waiting

    await sweep(
        stalled=StalledVersions(library.pool),
        versions=library.versions,
        removal=library.removal,
        turns=library.turns,
        publish=library.publish,
        backlog=backlog,
        patience=patience,
    )
    return list(library.published)


async def test_what_nobody_announced_is_announced(library: Library, owner: Principal) -> None:
    """A crash between the commit and the event: the sweep publishes it, whatever else waits, and it is indexed."""
    library.redis_is_away = True
    document = await library.add("Some text.", by=owner)
    library.redis_is_away = False

    [event] = await swept(library, waiting=7)
    await library.index(event, last_try=False)

    assert (event.document_id, event.owner.user_id) == (document.document_id, owner.user_id)
    assert await library.search(own_collection(owner.user_id)) == ["Some text."]
    assert await swept(library) == []


async def test_what_may_still_be_at_work_is_left_alone(library: Library, owner: Principal) -> None:
    """An entry that waits on the stream, and a version that moved lately, are not published again."""
    await library.add("Some text.", by=owner)

    assert await swept(library, waiting=1) == []
    assert await swept(library, patience=NOT_YET) == []


async def test_what_redis_forgot_is_published_again_but_not_for_ever(library: Library, owner: Principal) -> None:
    """After the last publication without an end the document has failed, with a reason."""
    document = await library.add("Some text.", by=owner)

    published = [len(await swept(library)) for _ in range(4)]

    assert published == [1, 1, 0, 0]
    found = await library.documents.read(document.document_id, owner)
    assert (found.status, found.failure_code) == ("failed", "gave_up")


async def test_one_sweeper_at_a_time(library: Library, owner: Principal) -> None:
    """While another process sweeps nothing is published."""
    await library.add("Some text.", by=owner)

    async with StalledVersions(library.pool).alone() as alone:
        assert alone
        assert await swept(library) == []


async def test_leftovers_are_removed(library: Library, owner: Principal) -> None:
    """Vectors and bytes of a document that was deleted while the stores were away."""
    document = await library.add("Some text.", by=owner)
    await library.index_all()
    await library.documents.delete(document.document_id, owner)
    assert await library.vector_ids()

    await swept(library, patience=NOT_YET)
    assert await library.vector_ids()
    await swept(library)

    assert await library.vector_ids() == set()
    assert library.blob_files() == []
