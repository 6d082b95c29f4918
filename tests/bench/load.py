"""The load: so many people who ask, read to the end, and ask again; what they saw is timed and checked."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any
from uuid import uuid4

import msgspec

from tests.bench.wire import Wire, open_wire

CONNECT_SECONDS = 10.0
PATIENCE_SECONDS = 30.0
"""An answer that is not whole after so long has failed."""


@dataclass(frozen=True)
class Script:
    """What the fake model does, in seconds, and so what is ideal."""

    first_token: float = 0.3
    between: float = 0.02
    tokens: int = 100

    @property
    def text(self) -> str:
        """What it says: words, and a citation every thirtieth."""
        words = (f"[{n // 30}]" if n and n % 30 == 0 else f"word{n}" for n in range(self.tokens))
        return " ".join(words)

    @property
    def seconds(self) -> float:
        """From a question to the last token, when nothing is added."""
        return self.first_token + (self.tokens - 1) * self.between


@dataclass
class Seen:
    """What the people of one window saw.

    Attributes:
        added_seconds: per chat, time to the first text beyond the model's own.
        whole_seconds: per chat, time to the last text.
        characters: text received within the window.
        failures: what went wrong, a line a chat.
    """

    added_seconds: list[float] = field(default_factory=list)
    whole_seconds: list[float] = field(default_factory=list)
    characters: int = 0
    failures: list[str] = field(default_factory=list)


class _Chunk(msgspec.Struct, gc=False):
    type: str
    delta: str = ""


class _Frame(msgspec.Struct, gc=False):
    type: str
    chunk: _Chunk | None = None
    errorText: str = ""  # noqa: N815 - the wire's name


_decode = msgspec.json.Decoder(_Frame).decode


class Load:
    """People at one address.

    Args:
        url: of the chat socket.
        tokens: of guests, one a person.
        script: what the model does.
    """

    def __init__(self, url: str, tokens: Sequence[str], script: Script) -> None:
        self._url = url
        self._tokens = tokens
        self._script = script
        self._text = script.text
        self._stop = asyncio.Event()
        self.open_window: Seen | None = None

    async def run(self) -> None:
        """Everybody comes, evenly over the length of a chat, and asks until `stop`."""
        async with asyncio.TaskGroup() as people:
            for n, token in enumerate(self._tokens):
                people.create_task(self._person(token, self._script.seconds * n / len(self._tokens)))

    def stop(self) -> None:
        """Nobody asks again."""
        self._stop.set()

    async def _person(self, token: str, delay_seconds: float) -> None:
        await asyncio.sleep(delay_seconds)
        wire: Wire | None = None
        while not self._stop.is_set():
            try:
                if wire is None:
                    async with asyncio.timeout(CONNECT_SECONDS):
                        wire = await open_wire(self._url)
                await self._chat(wire, token)
            except (OSError, AssertionError) as error:
                if self.open_window is not None:
                    self.open_window.failures.append(f"{type(error).__name__} {error}")
                if wire is not None:
                    wire.close()
                wire = None
                await asyncio.sleep(self._script.first_token)
        if wire is not None:
            wire.close()

    async def _chat(self, wire: Wire, token: str) -> None:
        chat = _Chat(self)
        wire.on_text = chat.hear
        window = self.open_window
        sent = perf_counter()
        wire.send(_question(token))
        async with asyncio.timeout(PATIENCE_SECONDS):
            await chat.ended
        text = "".join(chat.parts)
        assert text == self._text, f"{len(text)} of {len(self._text)} characters came"
        if window is not None and window is self.open_window:
            window.added_seconds.append(chat.first - sent - self._script.first_token)
            window.whole_seconds.append(chat.last - sent)


class _Chat:
    """One answer as it comes."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.parts: list[str] = []
        self.first = self.last = 0.0

    def hear(self, message: bytes | None) -> None:
        if self.ended.done():
            return
        if message is None:
            self.ended.set_exception(ConnectionResetError("the socket was closed"))
            return
        frame = _decode(message)
        if frame.chunk is not None and frame.chunk.type == "text-delta":
            self.last = perf_counter()
            self.first = self.first or self.last
            self.parts.append(frame.chunk.delta)
            if self._load.open_window is not None:
                self._load.open_window.characters += len(frame.chunk.delta)
        elif frame.type == "end":
            self.ended.set_result(None)
        elif frame.type == "error" or (frame.chunk is not None and frame.chunk.type in {"error", "abort"}):
            self.ended.set_exception(AssertionError(frame.errorText or "the answer failed"))


def _question(token: str) -> bytes:
    # A question nobody has asked before, in a session of its own: no cache may help.
    name = uuid4().hex
    text = f"How long does a transfer to another bank take, and what does it cost? My case is {name}."
    frame: dict[str, Any] = {
        "type": "send",
        "requestId": name,
        "id": name,
        "headers": {"authorization": f"Bearer {token}"},
        "messages": [{"id": name, "role": "user", "parts": [{"type": "text", "text": text}]}],
    }
    return msgspec.json.encode(frame)
