"""A file may cost its own process, never the worker: real processes, real limits."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from ingest_service.chunking import Chunk
from ingest_service.parsing.parsed import UnreadableError
from ingest_service.parsing.sandbox import Sandbox
from ingest_service.parsing.sniff import MEDIA_TYPES, sniff
from ingest_service.parsing.wire import Limits, Rules
from libs.errors import TransientError
from tests.polling import eventually
from tests.unit.ingest.files import a_docx, a_pdf, written

SLOW_MARKDOWN = "*a* [b](c) `d`\n\n" * 400_000
"""Many seconds of work for the Markdown parser."""
BIG_HTML = "<html><body>" + "<p>x" * 4_000_000
"""Some gigabytes as a tree."""


@asynccontextmanager
async def a_sandbox(**limits: float) -> AsyncIterator[Sandbox]:
    rules = Rules(Limits(**limits), chunk_tokens=64, tokenizer_file=None, embedding_model="any")  # type: ignore[arg-type]
    async with Sandbox(rules, concurrency=2) as sandbox:
        yield sandbox


async def read(
    sandbox: Sandbox, path: Path, on_text: Callable[[], None] = lambda: None
) -> tuple[str | None, list[Chunk]]:
    async def called() -> None:
        on_text()

    size = path.stat().st_size
    return await sandbox.read(path, media_type=sniff(path, path.name), size_bytes=size, on_text=called)


async def nothing() -> None:
    """Nobody counts the stages."""


def the_server() -> psutil.Process:
    # What another test has ended and not yet been waited for has no command line any more.
    alive = [child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]
    (server,) = [child for child in alive if "ingest_service.parsing" in child.cmdline()]
    return server


async def the_busy_parser(server: psutil.Process) -> psutil.Process:
    """The process that has been reading for a while: the slow file's."""

    async def busy() -> list[psutil.Process]:
        return [child for child in server.children() if cpu_seconds(child) > 0.2]

    (parser,) = await eventually(busy)
    return parser


def cpu_seconds(process: psutil.Process) -> float:
    try:
        return float(process.cpu_times().user)
    except psutil.Error:
        return 0.0


async def test_a_file_comes_back_as_chunks_with_places(tmp_path: Path) -> None:
    """Title, text and place cross the border whole, for every kind of library."""
    calls: list[str] = []
    async with a_sandbox() as sandbox:
        for name, content in {"fees.docx": a_docx(title="Fees"), "guide.pdf": a_pdf("Cards", "Cash")}.items():
            title, chunks = await read(sandbox, written(tmp_path, name, content), lambda: calls.append("text"))

            assert chunks
            assert title == ("Fees" if name == "fees.docx" else None)
            assert all(isinstance(chunk, Chunk) and isinstance(chunk.heading, tuple) for chunk in chunks)
        assert [chunk.page for chunk in chunks] == [1]
    assert calls == ["text", "text"]


async def test_a_refusal_crosses_the_border(tmp_path: Path) -> None:
    """The parser's reason is the sandbox's."""
    async with a_sandbox() as sandbox:
        with pytest.raises(UnreadableError) as refused:
            await read(sandbox, written(tmp_path, "locked.pdf", a_pdf("x", password="pw")))

    assert refused.value.code == "password_needed"


@pytest.mark.parametrize(
    ("limits", "name", "content", "codes"),
    [
        ({"cpu_seconds": 1}, "slow.md", SLOW_MARKDOWN, {"took_too_long"}),
        ({"wall_seconds": 2.0}, "slow.md", SLOW_MARKDOWN, {"took_too_long"}),
        ({"memory_bytes": 400 * 1024**2}, "big.html", BIG_HTML, {"too_demanding", "crashed"}),
    ],
)
async def test_a_file_that_takes_too_much_fails_alone(
    tmp_path: Path, limits: dict[str, float], name: str, content: str, codes: set[str]
) -> None:
    """The kernel ends its process, a reason comes back, and the file next to it is read as if nothing were."""
    greedy, modest = written(tmp_path, name, content), written(tmp_path, "modest.txt", "Hello.")
    async with a_sandbox(**limits) as sandbox:
        reading = asyncio.ensure_future(read(sandbox, greedy))
        _, chunks = await read(sandbox, modest)
        with pytest.raises(UnreadableError) as refused:
            await reading

        assert refused.value.code in codes
        assert [chunk.text for chunk in chunks] == ["Hello."]
        _, again = await read(sandbox, modest)
        assert [chunk.text for chunk in again] == ["Hello."]


async def test_a_crash_fails_the_file_and_nothing_else(tmp_path: Path) -> None:
    """A parser process that dies of a signal is one refused document."""
    slow, modest = written(tmp_path, "slow.md", SLOW_MARKDOWN), written(tmp_path, "modest.txt", "Hello.")
    async with a_sandbox() as sandbox:
        await read(sandbox, modest)
        server = the_server()
        reading = asyncio.ensure_future(read(sandbox, slow))
        victim = await the_busy_parser(server)
        victim.send_signal(signal.SIGSEGV)

        with pytest.raises(UnreadableError) as refused:
            await reading
        assert refused.value.code == "crashed"
        assert (await read(sandbox, modest))[1]


async def test_a_dead_server_is_started_again(tmp_path: Path) -> None:
    """What it was reading is tried again by whoever asked; the next file finds a new one."""
    slow, modest = written(tmp_path, "slow.md", SLOW_MARKDOWN), written(tmp_path, "modest.txt", "Hello.")
    async with a_sandbox() as sandbox:
        await read(sandbox, modest)
        server = the_server()
        reading = asyncio.ensure_future(read(sandbox, slow))
        orphan = await the_busy_parser(server)
        server.kill()
        orphan.kill()

        with pytest.raises(TransientError):
            await reading
        assert (await read(sandbox, modest))[1]


async def test_a_file_that_went_away_is_not_to_blame(tmp_path: Path) -> None:
    """The folder of the blobs is away for a moment: whatever the format, that is tried again, it is no damaged file."""
    path = tmp_path / "away" / "blob"
    async with a_sandbox() as sandbox:
        for media_type in MEDIA_TYPES:
            with pytest.raises(TransientError):
                await sandbox.read(path, media_type=media_type, size_bytes=10, on_text=nothing)


async def test_nothing_stays_when_the_worker_ends(tmp_path: Path) -> None:
    """Server and parser processes are gone with the sandbox, in mid-file too."""
    slow = written(tmp_path, "slow.md", SLOW_MARKDOWN)
    async with a_sandbox() as sandbox:
        await read(sandbox, written(tmp_path, "modest.txt", "Hello."))
        server = the_server()
        reading = asyncio.ensure_future(read(sandbox, slow))
        parser = await the_busy_parser(server)
        reading.cancel()

    async def gone() -> bool:
        return not parser.is_running() or parser.status() == psutil.STATUS_ZOMBIE

    assert not server.is_running()
    assert await eventually(gone)


async def test_a_parser_finds_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The processes that meet strangers' bytes have nothing of the worker's environment."""
    monkeypatch.setenv("OPENAI_API_KEY", "a secret")
    async with a_sandbox() as sandbox:
        await read(sandbox, written(tmp_path, "modest.txt", "Hello."))
        server = the_server()

        assert "OPENAI_API_KEY" not in server.environ()
        assert os.environ["OPENAI_API_KEY"] == "a secret"
