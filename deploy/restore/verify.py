"""Whether a restored database is the one that was lost: facts compared, passages found as questions find them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

import asyncpg

from deploy.restore.facts import Facts, facts_of
from libs.config import PostgresSettings
from libs.db.migrate import read_folder, service_folders
from libs.db.pool import create_pool
from libs.errors import EloquentError
from libs.vectors.pgvector import PgVectorStore
from retrieval_service.lexical import PostgresWords

SAMPLE = 20
TOP_K = 10
FOUND_SHARE = 0.9
"""Of the passages: among many that are alike one may not be among the first ten, in a sound database as well."""

_PASSAGES = """
    SELECT c.chunk_id, c.collection, left(c.text, 1000) AS text, v.embedding::real[] AS embedding
    FROM searchable_chunks_v1 c JOIN chunks k USING (chunk_id) LEFT JOIN chunk_vectors v USING (chunk_id)
    WHERE length(k.lexemes) > 0
    ORDER BY md5(c.chunk_id::text) LIMIT $1
"""


class Check(NamedTuple):
    """One thing that was looked at."""

    name: str
    holds: bool
    found: str


async def verify(url: str, before: Facts, *, allowed: float = 0.0) -> list[Check]:
    """Every check, whether or not those before it held.

    Args:
        url: of the restored database.
        before: the facts of the lost one.
        allowed: by which share a table's rows may differ, where the backup is not of the very moment of the facts.
    """
    connection = await asyncpg.connect(url, timeout=30.0)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            after = await facts_of(connection)
    finally:
        await connection.close()
    async with create_pool(PostgresSettings(database_url=url), application_name="restore drill") as pool:
        return [*compared(before, after, allowed=allowed), *await _searched(pool)]


def compared(before: Facts, after: Facts, *, allowed: float) -> list[Check]:
    """The facts of both, and of this release's files."""
    ours = {f"{one.service} {one.number}": one.checksum for folder in service_folders() for one in read_folder(folder)}
    counts = {
        name: (rows, after.tables.get(name, 0))
        for name, rows in before.tables.items()
        if abs(after.tables.get(name, 0) - rows) > rows * allowed
    }
    invalid = [name for name, text in after.structure.items() if text.endswith(" INVALID")]
    lost = _different(before.answers, after.answers)
    return [
        Check("schema", dict(before.migrations) == dict(after.migrations), f"{len(after.migrations)} migrations"),
        Check("release", not _different(ours, after.migrations), f"{len(ours)} of this release"),
        Check(
            "structure",
            not _different(before.structure, after.structure) and not invalid,
            ", ".join(_different(before.structure, after.structure) + invalid)
            or f"{len(after.structure)} indexes, constraints and functions",
        ),
        Check(
            "rows",
            not counts,
            ", ".join(f"{name} {now} instead of {then}" for name, (then, now) in counts.items())
            or f"{sum(after.tables.values())} in {len(after.tables)} tables",
        ),
        Check(
            "cited answers",
            len(lost) <= len(before.answers) * allowed and not after.broken,
            f"{len(before.answers) - len(lost)} of {len(before.answers)} as they were, {len(after.broken)} damaged",
        ),
    ]


async def _searched(pool: asyncpg.Pool) -> list[Check]:
    """Passages are found by their own words and by their own vectors, by the services' own searches."""
    passages = await pool.fetch(_PASSAGES, SAMPLE)
    words = PostgresWords(pool)

    async def by_words(one: asyncpg.Record) -> bool:
        found = await words.search(((one["text"], 1.0),), collections=[one["collection"]], top_k=TOP_K)
        return one["chunk_id"] in {match.chunk_id for match in found}

    async def by_vectors(one: asyncpg.Record) -> bool:
        store = PgVectorStore(pool, dimensions=len(one["embedding"]))
        near = await store.search(one["embedding"], collections=[one["collection"]], top_k=TOP_K)
        return one["chunk_id"] in {chunk_id for chunk_id, _ in near}

    with_vector = [one for one in passages if one["embedding"] is not None]
    return [
        await _found("found by words", by_words, passages),
        await _found("found by vectors", by_vectors, with_vector),
    ]


async def _found(
    name: str, finds: Callable[[asyncpg.Record], Awaitable[bool]], passages: Sequence[asyncpg.Record]
) -> Check:
    try:
        found = sum([await finds(one) for one in passages])
    except (asyncpg.PostgresError, EloquentError) as error:
        return Check(name, holds=False, found=f"the search fails: {error}")
    return Check(name, found >= len(passages) * FOUND_SHARE, f"{found} of {len(passages)} passages")


def _different(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    return [name for name, value in before.items() if _plain(after.get(name)) != _plain(value)]


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else value
