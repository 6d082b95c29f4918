"""The worker's parts together: real bus, real parser processes, real database."""

from pathlib import Path
from uuid import UUID

import asyncpg
from redis.asyncio import Redis

from ingest_service.parsing.sandbox import Sandbox
from ingest_service.parsing.wire import Limits, Rules
from ingest_service.worker import register
from libs.bus.bus import Bus
from libs.config import RedisSettings
from libs.contracts.events import DocumentGivenUp, DocumentUploaded
from libs.contracts.values import Principal, own_collection
from tests.integration.ingest.builders import AWAY, HashedWords, Library
from tests.polling import eventually
from tests.unit.ingest.files import a_docx, a_pdf

RULES = Rules(Limits(), chunk_tokens=64, tokenizer_file=None, embedding_model="any")


async def test_what_is_uploaded_is_found(
    pool: asyncpg.Pool, redis: Redis, redis_url: str, tmp_path: Path, embedder: HashedWords, owner: Principal
) -> None:
    """Good files become searchable with their places, a bad one fails with its reason, and no entry is left."""
    settings = RedisSettings(redis_url=redis_url, bus_claim_seconds=1)
    async with Sandbox(RULES, concurrency=2) as sandbox:
        library = Library(pool, tmp_path, reader=sandbox, embedder=embedder)
        embedder.failures = [AWAY]
        bus = Bus(settings, redis, group="ingest")
        register(bus, index=library.index, give_up=library.index.give_up, concurrency=3, patience_seconds=60)
        guide = await library.add(a_pdf("Cards cost nothing.", "Cash costs two."), by=owner, name="guide.pdf")
        fees = await library.add(a_docx(title="Our fees"), by=owner, name="fees.docx")
        locked = await library.add(a_pdf("x", password="pw"), by=owner, name="locked.pdf")
        async with bus:
            for event in library.published:
                await bus.publish(event)

            async def ended() -> dict[UUID, str] | None:
                found = await library.documents.list(owner, status=None, before=None, limit=10)
                over = all(document.status in {"searchable", "failed"} for document in found)
                return {document.document_id: document.status for document in found} if over else None

            statuses = await eventually(ended, within_seconds=20)

            async def nothing_left() -> bool:
                return await bus.entries(library.published[0]) == 0

            assert await eventually(nothing_left)
    assert statuses == {
        guide.document_id: "searchable",
        fees.document_id: "searchable",
        locked.document_id: "failed",
    }
    rows = await pool.fetch(
        "SELECT title, page, heading, text, place FROM searchable_chunks_v1 ORDER BY title, start_char"
    )
    assert [tuple(row) for row in rows] == [
        ("Our fees", None, ["Fees"], "Fees\n\nA card costs nothing.", None),
        ("Our fees", None, ["Fees", "Abroad"], "Abroad\n\n- We add no fee.\n\nPlan | Price\n\nPlus | 5", None),
        ("guide", 1, [], "Cards cost nothing.\n\nCash costs two.", {"page_starts": [21]}),
    ]
    assert await library.search(own_collection(owner.user_id))


async def test_the_last_attempt_is_known(redis: Redis, redis_url: str, owner: Principal) -> None:
    """The worker tells the use case when nobody will try again."""
    settings = RedisSettings(redis_url=redis_url, bus_claim_seconds=1, bus_max_attempts=2)
    tries: list[bool] = []

    async def give_up(event: DocumentGivenUp) -> None:
        raise AssertionError(event)

    async def index(event: DocumentUploaded, *, last_try: bool) -> None:
        tries.append(last_try)
        if not last_try:
            raise AWAY

    bus = Bus(settings, redis, group="ingest")
    register(bus, index=index, give_up=give_up, concurrency=1, patience_seconds=0)
    async with bus:
        await bus.publish(DocumentUploaded(document_id=owner.user_id, version=1, owner=owner))

        async def tried_twice() -> bool:
            return len(tries) >= 2

        assert await eventually(tried_twice)
    assert tries == [False, True]
