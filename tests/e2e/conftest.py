"""A running system for the whole session, ready before every test, and its log with every failure."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path

import httpx
import pytest

from deploy.local.program import free_port
from tests.abuse.apis import ROOM
from tests.e2e.model import Model
from tests.e2e.people import Person, editor_of, guest_of
from tests.e2e.sdk import install
from tests.e2e.stack import Stack, running_stack
from tests.traces.collector import Collector, collecting

KNOWLEDGE = "# Transfers\n\nA standard transfer takes ten seconds. An international transfer takes two days.\n"


@pytest.fixture(scope="session")
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, timeout=30.0) as client:
        yield client


@pytest.fixture(scope="session")
async def session_model() -> AsyncIterator[Model]:
    """The model that writes and embeds for the session's run."""
    model = Model()
    async with model.listening():
        yield model


@pytest.fixture
def model(session_model: Model) -> Model:
    return session_model


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    """Where the session's run sends its spans."""
    with collecting() as collector:
        yield collector


@pytest.fixture(scope="session")
async def session_stack(session_model: Model, http: httpx.AsyncClient, collector: Collector) -> AsyncIterator[Stack]:
    """A run with one document, whose models are the test's own; all of it is traced."""
    async with running_stack(
        OPENAI_BASE_URL=session_model.base_url,
        CHAT_MODEL="fake",
        EMBEDDING_MODEL="fake",
        EMBEDDING_DIMENSIONS="384",
        # The fake's vectors are of words alone: whatever shares one is found.
        RETRIEVAL_MIN_SCORE="0.01",
        BUS_CLAIM_SECONDS="1",
        HISTORY_SWEEP_SECONDS="1",
        HISTORY_SILENT_SECONDS="5",
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
        GATEWAY_METRICS_PORT=str(free_port()),
        # One guest asks twenty questions at once.
        GATEWAY_GUEST_TURNS="40",
        GATEWAY_GUEST_QUESTIONS_PER_MINUTE="1000",
        **ROOM,
    ) as stack:
        document = Path(tempfile.mkdtemp(prefix="eloquent-e2e-")) / "transfers.md"
        document.write_text(KNOWLEDGE)
        try:
            await (await editor_of(stack, http)).publish(document)
        finally:
            shutil.rmtree(document.parent)
        yield stack


@pytest.fixture
async def stack(session_stack: Stack) -> Stack:
    """The session's run, whatever the test before has done to it."""
    await session_stack.ready()
    return session_stack


@pytest.fixture
async def guest(stack: Stack, http: httpx.AsyncClient) -> Person:
    """Somebody new."""
    return await guest_of(stack, http)


@pytest.fixture(scope="session")
async def script(pytestconfig: pytest.Config) -> Path:
    """The AI SDK's client, installed."""
    assert pytestconfig.cache is not None
    return await install(pytestconfig.cache.mkdir("ai-sdk"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure shows what the run said last."""
    report = yield
    if report.failed:
        fixtures = getattr(item, "funcargs", {})
        runs = {found for found in fixtures.values() if isinstance(found, Stack)}
        report.sections += [("log of the run", run.log_tail()) for run in runs]
    return report
