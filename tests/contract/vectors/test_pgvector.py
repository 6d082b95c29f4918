"""What only pgvector's adapter has to get right: that its index is used, and used to the end."""

import random
from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest

from libs.errors import PermanentError, TransientError
from libs.vectors.pgvector import PgVectorStore

DIMENSIONS = 384
INDEXED = (256, 384, 512, 768, 1024, 1536, 3072)

# Ways to plan that are cheaper than the index while a table is as small as a test's.
NO_SHORT_CUTS = {"enable_seqscan": "off", "enable_sort": "off", "enable_bitmapscan": "off"}


@pytest.fixture
async def by_index(database_url: str, pool: asyncpg.Pool) -> AsyncIterator[asyncpg.Pool]:
    """A pool on empty tables whose connections take the HNSW index whenever they can."""
    async with asyncpg.create_pool(database_url, min_size=1, max_size=2, server_settings=NO_SHORT_CUTS) as own:
        yield own


async def test_the_index_goes_on_until_the_filter_is_satisfied(by_index: asyncpg.Pool) -> None:
    """Hundreds of nearer vectors of other collections do not use up the search."""
    store = PgVectorStore(by_index, dimensions=DIMENSIONS)
    chance = random.Random(1)  # noqa: S311 - the same vectors in every run, no secret
    near = [[1.0, *(chance.gauss(0, 0.01) for _ in range(DIMENSIONS - 1))] for _ in range(600)]
    far = [[chance.gauss(0, 1) for _ in range(DIMENSIONS)] for _ in range(12)]
    await store.upsert("public", [(uuid4(), uuid4(), vector) for vector in near])
    mine = [(uuid4(), uuid4(), vector) for vector in far]
    await store.upsert("user-me", mine)

    found = await store.search(near[0], collections=["user-me"], top_k=12)

    assert {chunk_id for chunk_id, _ in found} == {chunk_id for chunk_id, _, _ in mine}
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)


@pytest.mark.parametrize("dimensions", INDEXED)
async def test_the_usual_dimensions_have_an_index(by_index: asyncpg.Pool, dimensions: int) -> None:
    """The query's expression is the index's, to the letter: otherwise every search would read every vector."""
    store = PgVectorStore(by_index, dimensions=dimensions)
    before = await index_scans(by_index, dimensions)

    await store.search([1.0] * dimensions, collections=["public"], top_k=5)

    assert await index_scans(by_index, dimensions) > before


async def index_scans(pool: asyncpg.Pool, dimensions: int) -> int:
    """How often the index of these dimensions was used so far, by whatever connection of the pool."""
    for connection in [await pool.acquire() for _ in range(2)]:
        await connection.execute("SELECT pg_stat_force_next_flush()")
        await pool.release(connection)
    scans = "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = $1"
    return int(await pool.fetchval(scans, f"chunk_vectors_{dimensions}"))


async def test_vectors_of_another_model_do_not_mix(pool: asyncpg.Pool) -> None:
    """After a change of the model the old vectors are there and not found; an unusual dimension is searched too."""
    old, new = PgVectorStore(pool, dimensions=384), PgVectorStore(pool, dimensions=100)
    before, after = uuid4(), uuid4()
    await old.upsert("public", [(before, uuid4(), [1.0] * 384)])
    await new.upsert("public", [(after, uuid4(), [1.0] * 100)])

    assert [found for found, _ in await new.search([1.0] * 100, collections=["public"], top_k=5)] == [after]
    assert [found for found, _ in await old.search([1.0] * 384, collections=["public"], top_k=5)] == [before]


@pytest.mark.parametrize("dimensions", [0, 4001])
def test_a_dimension_that_cannot_be_indexed_stops_the_start(dimensions: int) -> None:
    """Before the first vector, not with it."""
    with pytest.raises(PermanentError):
        PgVectorStore(asyncpg.create_pool(), dimensions=dimensions)


async def test_a_database_that_does_not_answer_is_transient(pool: asyncpg.Pool) -> None:
    """A search waits for a lock no longer than its limit; then it is an error to try again."""
    store = PgVectorStore(pool, dimensions=DIMENSIONS, search_timeout_seconds=0.2)
    async with pool.acquire() as other, other.transaction():
        await other.execute("LOCK TABLE chunk_vectors IN ACCESS EXCLUSIVE MODE")

        with pytest.raises(TransientError):
            await store.search([1.0] * DIMENSIONS, collections=["public"], top_k=1)
