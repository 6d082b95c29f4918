"""What is said of a document while it is embedded: how much is done, and how long it will go on."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import asyncpg

from libs.contracts.values import Principal
from tests.builders import a_principal
from tests.integration.ingest.builders import HashedWords, Library
from tests.polling import eventually

TEXT = "One about cards.\n\nTwo about cash.\n\nThree about fees.\n\nFour about limits.\n\nFive about fraud."


class Turnstile(HashedWords):
    """Requests wait until they are let through."""

    def __init__(self) -> None:
        super().__init__()
        self.permits = asyncio.Semaphore(0)
        self.waiting = 0

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        self.waiting += 1
        await self.permits.acquire()
        self.waiting -= 1
        return await super().embed(texts)

    async def let_through(self, *, requests: int) -> None:
        """That many, when all of them wait."""

        async def all_wait() -> bool:
            return self.waiting == requests

        assert await eventually(all_wait)
        for _ in range(requests):
            self.permits.release()


async def test_progress_shows_after_each_batch(library: Library, owner: Principal, embedder: HashedWords) -> None:
    """Two of five are done while the rest waits."""
    document = await library.add(TEXT, by=owner)
    embedder.gate.clear()
    indexing = asyncio.ensure_future(library.index_all())

    async def progress() -> tuple[str, int, int]:
        found = await library.documents.read(document.document_id, owner)
        return found.status, found.progress_done, found.progress_total

    async def embedding() -> bool:
        return await progress() == ("embedding", 0, 5)

    assert await eventually(embedding)
    embedder.gate.set()
    await indexing
    assert await progress() == ("searchable", 5, 5)


async def test_the_time_left_is_told_while_nothing_comes_back(pool: asyncpg.Pool, tmp_path: Path) -> None:
    """A limit shows after the first batch: who looks hears of it, though another document was deleted meanwhile."""
    embedder = Turnstile()
    library = Library(pool, tmp_path, embedder=embedder)
    owners = [a_principal(), a_principal()]
    documents = [await library.add(TEXT, by=owner) for owner in owners]
    indexing = asyncio.gather(*(library.index(event, last_try=False) for event in library.published))

    async def seconds_left(number: int) -> float | None:
        found = await library.documents.read(documents[number].document_id, owners[number])
        return found.seconds_left if found.progress_done else None

    await embedder.let_through(requests=4)
    before = [await eventually(partial(seconds_left, number)) for number in range(2)]
    await library.documents.delete(documents[0].document_id, owners[0])
    now = time.monotonic()
    library.limit = replace(library.limit, refused_from=now, refused_at=now, not_before=now + 100)

    await library.index.tell_all()

    told = await seconds_left(1)
    assert all(seconds < 10 < (told or 0) for seconds in before if seconds)
    await embedder.let_through(requests=2)
    await indexing
    assert (await library.documents.read(documents[1].document_id, owners[1])).status == "searchable"
