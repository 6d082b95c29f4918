"""A run as it comes, with its local models: documents, a stop, a second start, and a kill."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from generation_service.prompt import UNKNOWN
from tests.e2e.people import editor_of, guest_of
from tests.e2e.stack import Stack, running_stack
from tests.polling import eventually
from tests.unit.ingest.files import a_pdf

FEES = "Replacing a lost Aurora card costs seven euros. A new card arrives within five working days."
HOURS = "The counter of the bank is open from nine to five."
QUESTION = "What does replacing a lost Aurora card cost?"


@pytest.fixture(scope="module")
async def module_run() -> AsyncIterator[Stack]:
    async with running_stack() as stack:
        yield stack


@pytest.fixture
async def run(module_run: Stack) -> Stack:
    """A run with everything embedded, whatever the test before has done to it."""
    if module_run.is_running:
        await module_run.ready()
    else:
        await module_run.start()
    return module_run


@pytest.fixture
def handbook(tmp_path: Path) -> Path:
    path = tmp_path / f"handbook-{uuid4().hex[:8]}.pdf"
    path.write_bytes(a_pdf(FEES, HOURS, title="Card handbook"))
    return path


async def test_a_document_answers_until_it_is_deleted(run: Stack, http: httpx.AsyncClient, handbook: Path) -> None:
    """A PDF is cited with its page; deleted, it is never quoted again, not even to the same question."""
    editor, guest = await editor_of(run, http), await guest_of(run, http)
    document = await editor.publish(handbook)

    answer = await guest.ask(uuid4().hex, QUESTION)
    deleted = await editor.call("DELETE", f"/v1/documents/{document}")
    after = await guest.ask(uuid4().hex, QUESTION)

    assert "seven euros" in answer.text
    assert "[1]" in answer.text
    assert (answer.citations[1]["documentId"], answer.citations[1]["page"]) == (document, 1)
    assert "seven euros" in answer.citations[1]["quote"]
    assert deleted.json()["vectors"] == "removed"
    assert (await editor.call("GET", f"/v1/documents/{document}")).status_code == 404
    assert (after.text, after.sources) == (UNKNOWN, [])


async def test_a_second_start_finds_everything_as_it_was(run: Stack, http: httpx.AsyncClient, handbook: Path) -> None:
    """After SIGTERM nothing is left of the run but its data: sessions go on, documents answer."""
    editor, guest, session = await editor_of(run, http), await guest_of(run, http), uuid4().hex
    document = await editor.publish(handbook)
    first = await guest.ask(session, QUESTION)
    stored = await guest.messages(session)

    assert await run.stop() == 0
    await run.start()

    assert await guest.messages(session) == stored
    assert (await editor.call("GET", f"/v1/documents/{document}")).json()["status"] == "searchable"
    second = await guest.ask(session, QUESTION)
    assert second.text == first.text == stored[1]["content"]
    assert [message["role"] for message in await guest.messages(session)] == ["user", "assistant"] * 2
    await editor.call("DELETE", f"/v1/documents/{document}")


async def test_a_killed_run_leaves_no_process(run: Stack, http: httpx.AsyncClient) -> None:
    """Its guardian ends the others; the next start finds its ports and data free, and a session as it was."""
    guest, session = await guest_of(run, http), uuid4().hex
    await guest.ask(session, QUESTION)
    stored = await guest.messages(session)

    await run.kill()

    async def nothing_is_left() -> bool:
        return not run.processes()

    await eventually(nothing_is_left, within_seconds=30)
    await run.start()
    assert await guest.messages(session) == stored
