"""What only Pinecone can do to us: be slow, be full, be behind."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from libs.errors import PermanentError, TransientError
from libs.vectors.pinecone import PineconeStore
from tests.fakes import pinecone_server
from tests.fakes.pinecone_server import FakePinecone

DIMENSIONS = 1536
VECTOR = [1.0 / (n + 3) for n in range(DIMENSIONS)]
LIMIT_SECONDS = 0.4


@pytest.fixture
async def fake() -> AsyncIterator[FakePinecone]:
    async with pinecone_server.running(dimensions=DIMENSIONS) as server:
        yield server


@pytest.fixture
async def store(fake: FakePinecone) -> AsyncIterator[PineconeStore]:
    async with PineconeStore(
        pinecone_server.API_KEY,
        host=fake.host,
        dimensions=DIMENSIONS,
        search_timeout_seconds=LIMIT_SECONDS,
        write_timeout_seconds=LIMIT_SECONDS,
        settle_seconds=LIMIT_SECONDS,
    ) as pinecone:
        yield pinecone


@pytest.mark.parametrize("status", [0, 408, 429, 500, 503], ids=lambda status: str(status or "silence"))
async def test_trouble_that_may_pass_is_transient(fake: FakePinecone, store: PineconeStore, status: int) -> None:
    """Silence, and a 429 or 5xx whose retry the SDK puts off, end within the limit, as an error to try again."""
    fake.trouble, fake.retry_after = [status] * 20, 60.0

    with pytest.raises(TransientError):
        await store.search(VECTOR, collections=["public", "user-me"], top_k=3)
    with pytest.raises(TransientError):
        await store.upsert("public", [(uuid4(), uuid4(), VECTOR)])
    with pytest.raises(TransientError):
        await store.delete("public", [uuid4()])


async def test_a_rate_limit_says_when_to_come_back(fake: FakePinecone, store: PineconeStore) -> None:
    """When the SDK has given up, what Pinecone asked us to wait is passed on."""
    fake.trouble, fake.retry_after = [429] * 20, 0.01

    with pytest.raises(TransientError) as raised:
        await store.search(VECTOR, collections=["public"], top_k=3)

    assert raised.value.retry_after_seconds == 0.01


async def test_one_refusal_for_a_moment_is_not_noticed(fake: FakePinecone, store: PineconeStore) -> None:
    """The SDK tries again by itself."""
    fake.trouble, fake.retry_after = [429], 0.01
    chunk_id = uuid4()

    await store.upsert("public", [(chunk_id, uuid4(), VECTOR)])

    [(found, _)] = await store.search(VECTOR, collections=["public"], top_k=1)
    assert found == chunk_id


@pytest.mark.parametrize("status", [401, 402, 403])
async def test_a_rotated_key_does_not_bury_the_work(fake: FakePinecone, store: PineconeStore, status: int) -> None:
    """Who may not come in now may when somebody has mended the key."""
    fake.trouble = [status]

    with pytest.raises(TransientError):
        await store.search(VECTOR, collections=["public"], top_k=1)


async def test_a_request_that_is_wrong_is_permanent(fake: FakePinecone, store: PineconeStore) -> None:
    """A 400 comes back however often it is tried."""
    fake.trouble = [400]

    with pytest.raises(PermanentError):
        await store.search(VECTOR, collections=["public"], top_k=1)


async def test_what_was_written_is_found_at_once(fake: FakePinecone, store: PineconeStore) -> None:
    """Pinecone indexes later than it writes: the write returns when searches see it."""
    fake.lag = 2
    chunk_id = uuid4()

    await store.upsert("public", [(chunk_id, uuid4(), VECTOR)])

    assert [found for found, _ in await store.search(VECTOR, collections=["public"], top_k=1)] == [chunk_id]


async def test_a_write_that_is_not_indexed_in_time_is_tried_again(fake: FakePinecone, store: PineconeStore) -> None:
    """An index far behind is no success."""
    fake.lag = 1000

    with pytest.raises(TransientError):
        await store.upsert("public", [(uuid4(), uuid4(), VECTOR)])


async def test_a_request_stays_under_two_megabytes(fake: FakePinecone, store: PineconeStore) -> None:
    """Long vectors with long numbers are sent in as many requests as it takes; the fake refuses a larger body."""
    await store.upsert("public", [(uuid4(), uuid4(), [-1.2345678901234567e-05] * DIMENSIONS) for _ in range(120)])

    assert fake.counts["/vectors/upsert"] == 3
    assert len(fake.namespaces["public"].records) == 120


async def test_an_index_of_another_dimension_is_not_ready(fake: FakePinecone, store: PineconeStore) -> None:
    """The probe tells before the first question does."""
    fake.dimensions = 384

    with pytest.raises(PermanentError):
        await store.check()
