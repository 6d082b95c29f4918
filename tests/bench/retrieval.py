"""What retrieval adds to an answer, without embedding: `python -m tests.bench.retrieval --chunks 10000`.

Starts PostgreSQL and Valkey of its own, writes chunks and their vectors, and times the use case over both, one question
after the other: not cached (the query's vector is known at once, as if the model took no time) and cached. The chunks'
words are drawn as Zipf says they are in texts, a question's out of one chunk; each search is timed alone as well.

`--folder` keeps the database: with one that is filled it measures at once, in seconds instead of minutes.
"""

import argparse
import asyncio
import secrets
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from uuid import UUID, uuid4

import asyncpg
import numpy as np
from numpy.typing import NDArray

from deploy.local.postgres import PostgresServer
from deploy.local.program import free_port, running
from deploy.local.valkey import ValkeyServer
from libs.bus.connection import connect
from libs.config import PostgresSettings
from libs.db.migrate import migrate, service_folders
from libs.db.pool import create_pool
from libs.vectors.pgvector import PgVectorStore
from retrieval_service.cache import RetrievalCache
from retrieval_service.condense import fading
from retrieval_service.lexical import PostgresWords
from retrieval_service.passages import PostgresPassages
from retrieval_service.ports import Relevance
from retrieval_service.retrieve import retrieve
from retrieval_service.search import DEPTH, Finder
from tests.builders import an_opened_turn

DIMENSIONS = 384
TOPICS = 200
SPREAD = 0.9
"""Length of a chunk's own part beside its topic's: neighbours are near and many, as texts' are."""
PER_DOCUMENT = 100
TOP_K = 8
WRITTEN_AT_ONCE = 1000
VOCABULARY = 60_000
CHUNK_WORDS = 130
QUESTION_WORDS = 7
ZIPF = 1.07
"""The exponent for words of English texts."""
PLANNING = 10
POSTGRES_SETTINGS = {"fsync": "off", "shared_buffers": "512MB", "log_min_messages": "fatal"}

_DOCUMENTS = (
    "documents",
    ("document_id", "owner_id", "collection", "file_name", "title", "title_given", "latest_version"),
)
_VERSIONS = "document_versions", ("document_id", "version", "sha256", "size_bytes", "media_type", "blob_key", "status")
_CHUNKS = (
    "chunks",
    (
        *("chunk_id", "document_id", "version", "ordinal", "collection", "language"),
        *("text", "heading", "start_char", "end_char"),
    ),
)

Vectors = NDArray[np.float64]


class KnownVectors:
    """Has every question's vector already."""

    def __init__(self, vectors: Vectors) -> None:
        self._vectors = vectors

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        return [self._vectors[int(text.split(maxsplit=1)[0])].tolist() for text in texts]


class Texts:
    """Texts and questions of words as frequent as words are."""

    def __init__(self, seed: int) -> None:
        self._chance = np.random.default_rng(seed)
        ranks = np.arange(1, VOCABULARY + 1, dtype=np.float64) ** -ZIPF
        self._shares = ranks / ranks.sum()

    def draw(self, count: int) -> list[str]:
        """So many texts of `CHUNK_WORDS`."""
        drawn = self._chance.choice(VOCABULARY, size=(count, CHUNK_WORDS), p=self._shares)
        return [" ".join(f"w{word}" for word in words) for words in drawn]

    def ask(self, texts: Sequence[str]) -> list[str]:
        """A question to each text: its number and some of its words."""
        chosen = [self._chance.choice(text.split(), size=QUESTION_WORDS, replace=False) for text in texts]
        return [f"{number} {' '.join(words)}" for number, words in enumerate(chosen)]


def vectors(count: int, seed: int) -> Vectors:
    """Unit vectors around common topics."""
    chance = np.random.default_rng(seed)
    topics = np.random.default_rng(0).normal(size=(TOPICS, DIMENSIONS))
    drawn = topics[chance.integers(0, TOPICS, count)] + SPREAD * chance.normal(size=(count, DIMENSIONS))
    unit: Vectors = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return unit


async def fill(pool: asyncpg.Pool, store: PgVectorStore, count: int) -> float:
    """All chunks are searchable; seconds it took to write the vectors."""
    documents = [uuid4() for _ in range(0, count, PER_DOCUMENT)]
    chunk_ids = [uuid4() for _ in range(count)]

    def of(n: int) -> UUID:
        return documents[n // PER_DOCUMENT]

    await _copy(pool, _DOCUMENTS, [(d, d, "public", f"{d}", "A title", True, 1) for d in documents])
    await _copy(pool, _VERSIONS, [(d, 1, "", 0, "text/plain", "", "searchable") for d in documents])
    begun = time.perf_counter()
    words = Texts(seed=3)
    for start in range(0, count, WRITTEN_AT_ONCE):
        ids = chunk_ids[start : start + WRITTEN_AT_ONCE]
        rows = [
            (id_, of(n), 1, n, "public", "english", text, ["A"], 1000 * n, 1000 * n + len(text))
            for (n, id_), text in zip(enumerate(ids, start), words.draw(len(ids)), strict=True)
        ]
        await _copy(pool, _CHUNKS, rows)
    print(f"{count} texts of {CHUNK_WORDS} words written at {count / (time.perf_counter() - begun):.0f}/s")
    await pool.execute("UPDATE documents SET current_version = 1")
    await pool.execute("INSERT INTO knowledge_versions VALUES ('public', 1)")
    values = vectors(count, seed=1).tolist()
    begun = time.perf_counter()
    for start in range(0, count, 500):
        some = range(start, min(start + 500, count))
        await store.upsert("public", [(chunk_ids[n], of(n), values[n]) for n in some])
    seconds = time.perf_counter() - begun
    await pool.execute("ANALYZE")
    return seconds


async def _copy(pool: asyncpg.Pool, table: tuple[str, tuple[str, ...]], rows: Sequence[tuple[object, ...]]) -> None:
    await pool.copy_records_to_table(table[0], records=rows, columns=table[1])


async def timed(ask: Callable[[str], Awaitable[int]], questions: Sequence[str]) -> str:
    """The percentiles of one question after the other, and how much each found."""
    seconds, found = [], 0
    for question in questions:
        begun = time.perf_counter()
        found += await ask(question)
        seconds.append(time.perf_counter() - begun)
    p50, p95, p99 = (np.percentile(seconds, p) * 1000 for p in (50, 95, 99))
    return f"p50 {p50:6.2f} ms  p95 {p95:6.2f} ms  p99 {p99:6.2f} ms  found {found / len(questions):.1f}"


@asynccontextmanager
async def servers(kept: Path | None = None) -> AsyncIterator[tuple[str, str]]:
    """Addresses of a Valkey and a migrated PostgreSQL that are gone afterwards; its data stay in the folder `kept`."""
    folder = Path(tempfile.mkdtemp(prefix="eloquent-bench-"))
    folder.chmod(0o711)
    valkey = ValkeyServer(folder / "valkey", free_port(), secrets.token_hex(16))
    # Of a kept one the password holds from its first start on; it has nothing but drawn words.
    password = "bench" if kept else secrets.token_hex(16)
    postgres = PostgresServer((kept or folder) / "postgres", free_port(), password, POSTGRES_SETTINGS)
    try:
        async with running(valkey), running(postgres):
            await migrate(postgres.url, service_folders())
            yield valkey.url, postgres.url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class ServerCpu:
    """What a connection's server process has used."""

    process: int

    @classmethod
    async def of(cls, pool: asyncpg.Pool) -> Self:
        """Of the pool's only connection."""
        return cls(await pool.fetchval("SELECT pg_backend_pid()"))

    def milliseconds(self) -> float:
        """User and system time so far."""
        nanoseconds = Path(f"/proc/{self.process}/schedstat").read_text(encoding="ascii").split()[0]
        return int(nanoseconds) / 1_000_000


async def cpu_of_words(database_url: str, questions: Sequence[str]) -> str:
    """The percentiles of CPU that PostgreSQL takes for the search for words: other work on the machine adds none."""
    settings = PostgresSettings.model_validate({"database_url": database_url, "postgres_pool_size": 1})
    async with create_pool(settings, application_name="bench-words") as pool:
        words, spent = PostgresWords(pool), []
        server = await ServerCpu.of(pool)
        for number, question in enumerate(questions):
            before = server.milliseconds()
            await words.search(((question, 1.0),), collections=["public"], top_k=DEPTH * TOP_K)
            # The first ones plan the statements, which are kept.
            if number >= PLANNING:
                spent.append(server.milliseconds() - before)
    p50, p95, p99 = np.percentile(spent, (50, 95, 99))
    return f"p50 {p50:6.2f} ms  p95 {p95:6.2f} ms  p99 {p99:6.2f} ms  of PostgreSQL's CPU"


async def run(chunks: int, questions: int, kept: Path | None) -> None:
    """Print the figures."""
    async with servers(kept) as (redis_url, database_url), connect(redis_url) as redis:
        settings = PostgresSettings.model_validate({"database_url": database_url})
        async with create_pool(settings, application_name="bench") as pool:
            store = PgVectorStore(pool, dimensions=DIMENSIONS)
            there = await pool.fetchval("SELECT count(*) FROM chunks")
            if there not in {0, chunks}:
                raise SystemExit(f"{kept} has {there} chunks, not {chunks}")
            if not there:
                seconds = await fill(pool, store, chunks)
                print(f"{chunks} chunks of {DIMENSIONS} dimensions, vectors written at {chunks / seconds:.0f}/s")
            cache = RetrievalCache(
                redis, space="bench", dimensions=DIMENSIONS, vector_ttl_seconds=900, ranking_ttl_seconds=900
            )
            passages, words = PostgresPassages(pool), PostgresWords(pool)
            known = vectors(questions, seed=2)
            finder = Finder(KnownVectors(known), store, words, passages, cache)

            async def ask(question: str) -> int:
                context = await retrieve(
                    an_opened_turn(question=question),
                    condense=fading,
                    finder=finder,
                    passages=passages,
                    cache=cache,
                    top_k=TOP_K,
                    relevance=Relevance(0.2, 0.5),
                )
                return len(context.passages)

            async def nearest(question: str) -> int:
                vector = known[int(question.split(maxsplit=1)[0])].tolist()
                return len(await store.search(vector, collections=["public"], top_k=DEPTH * TOP_K))

            async def matches(question: str) -> int:
                return len(await words.search(((question, 1.0),), collections=["public"], top_k=DEPTH * TOP_K))

            texts = [row["text"] for row in await pool.fetch("SELECT text FROM chunks LIMIT $1", questions)]
            asked = Texts(seed=4).ask(texts)
            async with cache:
                await timed(ask, asked[:50])
                await redis.flushall()
                print(f"nearest   {await timed(nearest, asked)}")
                print(f"words     {await timed(matches, asked)}")
                print(f"          {await cpu_of_words(database_url, asked)}")
                begun = time.process_time()
                print(f"searched  {await timed(ask, asked)}")
                print(f"          {1000 * (time.process_time() - begun) / questions:.2f} ms of our own CPU a question")
                print(f"cached    {await timed(ask, asked)}")


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, default=10_000)
    parser.add_argument("--questions", type=int, default=500)
    parser.add_argument("--folder", type=Path, help="where the database stays, to be measured again")
    options = parser.parse_args()
    asyncio.run(run(options.chunks, options.questions, options.folder))


if __name__ == "__main__":
    main()
