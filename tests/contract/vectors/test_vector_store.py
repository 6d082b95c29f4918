"""What every vector store promises; each test runs against both."""

import math
import random
from collections.abc import AsyncIterator
from typing import Protocol
from uuid import UUID, uuid4

import asyncpg
import pytest

from libs.errors import PermanentError
from libs.vectors.pgvector import PgVectorStore
from libs.vectors.pinecone import PineconeStore
from tests.fakes import pinecone_server

DIMENSIONS = 384
HALF_PRECISION = 2e-3

Item = tuple[UUID, UUID, list[float]]


class VectorStore(Protocol):
    """The shape that both have; mypy checks the fit."""

    async def upsert(self, collection: str, items: list[Item]) -> None: ...
    async def search(self, vector: list[float], *, collections: list[str], top_k: int) -> list[tuple[UUID, float]]: ...
    async def delete(self, collection: str, chunk_ids: list[UUID]) -> None: ...
    async def delete_document(self, collection: str, document_id: UUID) -> None: ...
    async def check(self) -> None: ...


@pytest.fixture(params=["pgvector", "pinecone"])
async def store(request: pytest.FixtureRequest, pool: asyncpg.Pool) -> AsyncIterator[VectorStore]:
    """A store with nothing in it."""
    if request.param == "pgvector":
        yield PgVectorStore(pool, dimensions=DIMENSIONS)
        return
    async with (
        pinecone_server.running(dimensions=DIMENSIONS) as fake,
        PineconeStore(pinecone_server.API_KEY, host=fake.host, dimensions=DIMENSIONS) as pinecone,
    ):
        yield pinecone


def a_vector(seed: int) -> list[float]:
    chance = random.Random(seed)  # noqa: S311 - the same vectors in every run, no secret
    return [chance.gauss(0, 1) for _ in range(DIMENSIONS)]


def at_cosine(target: float) -> list[float]:
    """A vector at this cosine to `EAST`."""
    return [target, math.sqrt(1 - target * target), *[0.0] * (DIMENSIONS - 2)]


EAST = at_cosine(1.0)


async def ids_of(store: VectorStore, *collections: str, top_k: int = 10) -> list[UUID]:
    found = await store.search(EAST, collections=list(collections), top_k=top_k)
    return [chunk_id for chunk_id, _ in found]


async def test_the_nearest_come_first_with_their_cosine(store: VectorStore) -> None:
    """Scores are cosine similarities from -1 to 1, best first, at most `top_k`, whatever the vectors' lengths."""
    ids = {cosine: uuid4() for cosine in (0.3, 0.9, -0.5, 0.6)}
    items = [(chunk_id, uuid4(), [3.0 * x for x in at_cosine(cosine)]) for cosine, chunk_id in ids.items()]
    await store.upsert("public", items)

    found = await store.search([0.5 * x for x in EAST], collections=["public"], top_k=3)

    assert [chunk_id for chunk_id, _ in found] == [ids[0.9], ids[0.6], ids[0.3]]
    assert [score for _, score in found] == pytest.approx([0.9, 0.6, 0.3], abs=HALF_PRECISION)


async def test_only_the_named_collections_are_searched(store: VectorStore) -> None:
    """The best vector of another collection never appears; several collections make one ranking."""
    public, mine, yours = uuid4(), uuid4(), uuid4()
    await store.upsert("public", [(public, uuid4(), at_cosine(0.5))])
    await store.upsert("user-me", [(mine, uuid4(), at_cosine(0.7))])
    await store.upsert("user-you", [(yours, uuid4(), EAST)])

    assert await ids_of(store, "public", "user-me") == [mine, public]
    assert await ids_of(store, "user-you") == [yours]
    assert await ids_of(store, "nobody") == []
    assert await ids_of(store) == []


async def test_a_small_collection_is_found_among_many_vectors(store: VectorStore) -> None:
    """A filter that leaves little of what is near still returns `top_k`."""
    near = [(uuid4(), uuid4(), [x + 0.01 * y for x, y in zip(EAST, a_vector(n), strict=True)]) for n in range(600)]
    far = [(uuid4(), uuid4(), a_vector(1000 + n)) for n in range(12)]
    await store.upsert("public", near)
    await store.upsert("user-me", far)

    assert set(await ids_of(store, "user-me", top_k=12)) == {chunk_id for chunk_id, _, _ in far}


async def test_the_same_chunk_again_replaces_its_vector(store: VectorStore) -> None:
    """Writing is idempotent by chunk id: one vector, the last."""
    chunk_id, document_id = uuid4(), uuid4()
    await store.upsert("public", [(chunk_id, document_id, at_cosine(0.2))])

    await store.upsert("public", [(chunk_id, document_id, at_cosine(0.8))])

    [(found, score)] = await store.search(EAST, collections=["public"], top_k=10)
    assert found == chunk_id
    assert score == pytest.approx(0.8, abs=HALF_PRECISION)


async def test_a_deleted_chunk_is_gone_and_its_neighbours_stay(store: VectorStore) -> None:
    """Deleting removes the named chunks of the named collection and nothing else; unknown ids are no error."""
    gone, kept, other = uuid4(), uuid4(), uuid4()
    await store.upsert("public", [(gone, uuid4(), EAST), (kept, uuid4(), at_cosine(0.5))])
    await store.upsert("user-me", [(other, uuid4(), EAST)])

    await store.delete("public", [gone, other, uuid4()])
    await store.delete("nobody", [uuid4()])
    await store.delete("public", [])

    assert await ids_of(store, "public", "user-me") == [other, kept]


async def test_a_deleted_document_takes_all_its_chunks(store: VectorStore) -> None:
    """Every vector of the document in the collection goes, no other; an unknown document is no error."""
    document_id, kept = uuid4(), uuid4()
    await store.upsert("public", [(uuid4(), document_id, a_vector(n)) for n in range(5)])
    await store.upsert("public", [(kept, uuid4(), a_vector(9))])

    await store.delete_document("public", document_id)
    await store.delete_document("public", uuid4())
    await store.delete_document("nobody", document_id)

    assert await ids_of(store, "public") == [kept]


async def test_many_vectors_go_in_at_once(store: VectorStore) -> None:
    """One call takes more than the store's own limit per request, and deletes as many."""
    items = [(uuid4(), uuid4(), [float(x) for x in at_cosine(1 / (n + 1.5))]) for n in range(1100)]

    await store.upsert("public", items)
    found = await ids_of(store, "public", top_k=1000)
    await store.delete("public", [chunk_id for chunk_id, _, _ in items])

    assert len(found) == len(set(found)) == 1000
    assert await ids_of(store, "public") == []


async def test_another_dimension_is_refused_for_good(store: VectorStore) -> None:
    """A vector of another model can neither be stored nor searched for: trying again would not help."""
    with pytest.raises(PermanentError):
        await store.upsert("public", [(uuid4(), uuid4(), [1.0, 0.0])])
    with pytest.raises(PermanentError):
        await store.search([1.0, 0.0], collections=["public"], top_k=1)
    assert await ids_of(store, "public") == []


async def test_nothing_to_write_is_no_work(store: VectorStore) -> None:
    """An empty batch is fine, and the store says that it is there."""
    await store.upsert("public", [])
    await store.check()
