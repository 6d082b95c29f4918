"""The built page, a running system behind it, and a browser in front of it that tells of every complaint."""

import asyncio
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Generator
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, async_playwright, expect

from deploy.local.state import ROOT
from deploy.local.web_build import DIST
from tests.e2e.model import Model
from tests.e2e.people import editor_of
from tests.e2e.stack import Stack, running_stack
from tests.fakes.hosted_ui import HostedUi
from tests.web.visitor import WITHIN_MS, Visitor

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    # As root, in a container, there is no other way; what it opens is ours alone.
    "--no-sandbox",
    *("--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
BUILD_SECONDS = 300.0
KNOWLEDGE = "# Transfers\n\nA standard transfer takes ten seconds.\n\nAn international transfer takes two days.\n"


@pytest.fixture(scope="session")
async def built_page() -> None:
    """The page of the sources as they are."""
    building = await asyncio.create_subprocess_exec(sys.executable, "-m", "deploy.local.web_build", cwd=ROOT)
    async with asyncio.timeout(BUILD_SECONDS):
        code = await building.wait()
    assert code == 0, (DIST / "build.log").read_text(errors="replace")[-4000:]


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """A Chromium of this session."""
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if found is None:
        pytest.fail("The browser tests need Chromium. On Debian and Ubuntu: apt-get install chromium", pytrace=False)
    expect.set_options(timeout=WITHIN_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found, args=list(ARGUMENTS))
        yield browser
        await browser.close()


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
async def hosted_ui() -> AsyncIterator[HostedUi]:
    """The user pool's own pages."""
    hosted = HostedUi()
    async with hosted.listening():
        yield hosted


@pytest.fixture(scope="session")
async def session_stack(session_model: Model, hosted_ui: HostedUi, built_page: None) -> AsyncIterator[Stack]:
    """A run with one public document."""
    async with running_stack(
        COGNITO_HOSTED_UI_URL=hosted_ui.url,
        COGNITO_IDENTITY_PROVIDERS="Google",
        OPENAI_BASE_URL=session_model.base_url,
        CHAT_MODEL="fake",
        EMBEDDING_MODEL="fake",
        EMBEDDING_DIMENSIONS="384",
        # The fake's vectors are of words alone: whatever shares one is found.
        RETRIEVAL_MIN_SCORE="0.01",
    ) as stack:
        with tempfile.TemporaryDirectory(prefix="eloquent-web-") as folder:
            document = Path(folder) / "transfers.md"
            document.write_text(KNOWLEDGE)
            async with httpx.AsyncClient(trust_env=False, timeout=30.0) as http:
                await (await editor_of(stack, http)).publish(document)
        yield stack


@pytest.fixture
async def stack(session_stack: Stack) -> Stack:
    """The session's run, whatever the test before has done to it."""
    await session_stack.ready()
    return session_stack


@pytest.fixture
async def visitor(browser: Browser, stack: Stack) -> AsyncIterator[Visitor]:
    """Somebody new with a browser of their own; nothing it shows may make the console complain."""
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    visitor = Visitor(context, stack.url)
    yield visitor
    await context.close()
    assert visitor.complaints == []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure shows what the run said last."""
    report = yield
    stack = getattr(item, "funcargs", {}).get("stack")
    if report.failed and isinstance(stack, Stack):
        report.sections.append(("log of the run", stack.log_tail()))
    return report
