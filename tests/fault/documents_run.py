"""People who add, replace and delete documents, what is broken meanwhile, and what could be found."""

import asyncio
import hashlib
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

import asyncpg

from ingest_service.documents import Documents
from ingest_service.leftovers import Removal
from ingest_service.receive import Received
from ingest_service.upload import Upload
from libs.contracts.values import Principal
from libs.db.errors import translated
from libs.errors import RequestError, TransientError
from tests.builders import a_principal
from tests.fault.cluster import Cluster
from tests.fault.documents_checker import History, Look, Sent
from tests.fault.documents_stores import Store
from tests.polling import eventually

T = TypeVar("T")

OWNERS = 3
LOOK_SECONDS = 0.05
PAUSE_SECONDS = 0.2
BOUND_SECONDS = 120.0
"""In which everything has come to its end once nothing is broken any more."""
TROUBLES: Mapping[str, dict[str, Any]] = {
    "limit": {"status": 429, "retry_after": 0.3},
    "error": {"status": 503},
    "stall": {"stall_at": 0},
}
FAULTS = ("kill", "kill", "kill", "redis", "postgres", *TROUBLES)
_WELL: dict[str, Any] = {"status": 0, "retry_after": -1.0, "stall_at": -1}

_LOOK = """
    SELECT d.document_id, v.version, v.status, v.failure_code,
           (SELECT array_agg(c.text ORDER BY c.start_char) FROM searchable_chunks_v1 AS c
            WHERE c.document_id = d.document_id) AS found
    FROM documents AS d JOIN document_versions AS v ON v.document_id = d.document_id AND v.version = d.latest_version
    WHERE d.owner_id = ANY ($1)
"""
_UNDER_WAY = """
    SELECT max(n) FROM (
        SELECT count(*) AS n FROM document_versions
        WHERE status IN ('uploaded', 'parsing', 'chunking', 'embedding') AND uploader_id = ANY ($1)
        GROUP BY uploader_id
    ) AS owners
"""


@dataclass
class Run:
    """One run of people, nemesis and recorder.

    Attributes:
        begun: faults that were made, by name.
    """

    cluster: Cluster
    pool: asyncpg.Pool
    upload: Upload
    documents: Documents
    removal: Removal
    store: Store
    chance: random.Random
    history: History = field(default_factory=History)
    begun: list[str] = field(default_factory=list)
    _owners: dict[int, Principal] = field(default_factory=dict)
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def add_all(self, count: int) -> None:
        """So many documents, some of them anew, some deleted, some of no use; each is accepted in the end."""
        owners = [a_principal() for _ in range(OWNERS)]
        self.history.owners = [owner.user_id for owner in owners]
        for number in range(count):
            owner = self._owners[number] = self.chance.choice(owners)
            await self._add(owner, number, 1)
            if number % 5 == 4:
                await self._add(owner, number, 2)
            if number % 7 == 6:
                await self._delete(owner, number)
            await asyncio.sleep(self.chance.uniform(0, 0.1))

    async def replace_all(self) -> None:
        """A new version of every document that is there, once all have ended: each leaves something to be removed."""
        await self.ended()
        for one in list(self.history.sent):
            if one.document_id not in self.history.deleted and not one.is_poison:
                await self._add(self._owners[one.number], one.number, 3)

    async def _add(self, owner: Principal, number: int, version: int) -> None:
        is_poison = number % 9 == 8
        text = "\n\n".join(f"Document {number}, version {version}, part {n}. " * 12 for n in range(3 + number % 20))
        content = b"%PDF-1.7 of no use " + bytes([number % 256]) if is_poison else text.encode()
        name = f"{number}.{'pdf' if is_poison else 'txt'}"
        received = Received(content, name, len(content), hashlib.sha256(content).hexdigest(), {})

        async def accepted() -> UUID:
            return (await self.upload(received, principal=owner, idempotency_key=None)).document_id

        document_id = await _until_done(accepted)
        self.history.sent.append(Sent(number, document_id, version, content.decode(errors="replace"), is_poison))

    async def _delete(self, owner: Principal, number: int) -> None:
        document_id = self.history.sent[-1].document_id

        async def gone() -> None:
            try:
                await self.documents.delete(document_id, owner)
            except RequestError as error:
                # It was deleted the last time, only the answer was lost.
                if error.code != "document_not_found":
                    raise

        await _until_done(gone)
        self.history.deleted[document_id] = time.monotonic()

    async def record(self) -> None:
        """What could be found, again and again, until it is cancelled."""
        while True:
            try:
                await self.look()
            except TransientError:
                await asyncio.sleep(PAUSE_SECONDS)
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> bool:
        """Write down what can be found; whether every document has come to its end."""
        # One after the other: of two at once the earlier might be written down behind the later.
        async with self._looking:
            return await self._look()

    async def _look(self) -> bool:
        at = time.monotonic()
        with translated():
            rows = await self.pool.fetch(_LOOK, self.history.owners)
            under_way = await self.pool.fetchval(_UNDER_WAY, self.history.owners) or 0
        for row in rows:
            found = tuple(row["found"] or ())
            self.history.looks.append(
                Look(at, row["document_id"], row["version"], row["status"], found, row["failure_code"] or "")
            )
        self.history.most_under_way = max(self.history.most_under_way, under_way)
        return all(row["status"] in {"searchable", "failed"} for row in rows)

    async def break_things(self, count: int) -> None:
        """So many faults one after the other, of every kind before the first comes again."""
        due: list[str] = []
        for _ in range(count):
            due = due or self.chance.sample(faults := (*FAULTS, *self.store.faults), len(faults))
            await asyncio.sleep(self.chance.uniform(0.2, 0.8))
            await self.break_one(due.pop())

    async def break_one(self, fault: str) -> None:
        """The fault comes and goes."""
        self.begun.append(fault)
        if fault == "kill":
            await self.chance.choice(self.cluster.of("ingest")).kill()
        elif fault in {"redis", "postgres"}:
            await (self.cluster.valkey if fault == "redis" else self.cluster.postgres).kill()
        elif fault in self.store.faults:
            await self.store.faults[fault]()
        else:
            self.cluster.model.script = self.cluster.model.script.changed(TROUBLES[fault])
            await asyncio.sleep(self.chance.uniform(0.3, 1.0))
            self.cluster.model.script = self.cluster.model.script.changed(_WELL)

    async def ended(self) -> None:
        """Everything has come to its end, and what was left over is gone.

        Raises:
            AssertionError: not within the bound.
        """

        async def all_ended() -> bool:
            try:
                if not await self.look():
                    return False
                # As the collector does, half a minute later.
                for leftover in await self.removal.old(seconds=0, limit=1000):
                    await self.removal.remove(leftover)
                with translated():
                    return not await self.pool.fetchval("SELECT count(*) FROM leftovers")
            except TransientError:
                return False

        await eventually(all_ended, within_seconds=BOUND_SECONDS)
        self.history.vectors = {row[0] for row in await self.pool.fetch("SELECT chunk_id FROM chunk_vectors")}
        self.history.chunks = {row[0] for row in await self.pool.fetch("SELECT chunk_id FROM chunks")}


async def _until_done(ask: Callable[[], Awaitable[T]]) -> T:
    while True:
        try:
            return await ask()
        except TransientError:
            await asyncio.sleep(PAUSE_SECONDS)
