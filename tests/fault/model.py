"""A model every word of whose answers says to which question and which attempt it belongs."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from tests.fakes.http import Connection
from tests.fakes.openai_server import FakeOpenAI, halves
from tests.fakes.script import CUT, STALL, Script, pieces

_NAME = re.compile(r"question-[0-9a-z]+-words-(\d+)")
_TROUBLE = re.compile(r"trouble-([a-z]+)")
BETWEEN_SECONDS = 0.02
TROUBLES: Mapping[str, dict[str, Any]] = {
    "limit": {"status": 429, "retry_after": 0.2},
    "error": {"status": 503},
    "refuses": {"status": 400},
    "silent": {"stall_at": 0},
    "mute": {"stall_at": 1},
    "stalls": {"stall_at": 6},
    "cut": {"cut_at": 6},
    "fails": {"error_at": 6},
    "half": {"half": True},
    "broken": {"invalid_at": 6},
    "empty": {"empty": True},
    "endless": {"finish": "", "done": False},
    "long": {"finish": "length"},
    "filtered": {"finish": "content_filter"},
}
"""What a question may ask for with `trouble-<name>`, or the whole model suffer for a while."""


def question_named(name: str, *, words: int) -> str:
    """A question like no other; its answer has so many words more than its first sentence."""
    return f"How long does a transfer take? (question-{name}-words-{words})"


def name_of(question: str) -> str:
    """What the model calls the question."""
    found = _NAME.search(question)
    assert found, f"the model cannot tell which question this is: {question!r}"
    return found[0]


def text_of(question: str, attempt: int) -> str:
    """The whole answer that the model gives when it is asked for the `attempt`-th time."""
    name = name_of(question)
    words = int(name.rpartition("-")[2])
    return f"To {name} ({attempt}): ten seconds [1]." + "".join(f" {attempt}-größe-{n}" for n in range(words))


class Model(FakeOpenAI):
    """Embeds as the fake does, and answers by itself.

    Attributes:
        attempts: how often each question was put to the model.
        asked: the questions, in the messages' order, of each prompt's earlier turns, by question.
        between_seconds: from word to word.
        embedding_seconds: how long an embedding takes.
        trouble: by its name in `TROUBLES`, what every answer suffers that begins now; empty for none.
        lost: when each answer's connection was found closed in mid-answer, by the question's name.
    """

    def __init__(self) -> None:
        super().__init__()
        self.attempts: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self.before: dict[str, list[str]] = {}
        self.between_seconds = BETWEEN_SECONDS
        self.embedding_seconds = 0.0
        self.trouble = ""
        self.lost: dict[str, float] = {}
        self._telling: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self._port = 0

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """It answers on a loopback port, and `base_url` is where."""
        await self.come_back()
        self.base_url = f"http://127.0.0.1:{self._port}/v1"
        try:
            yield
        finally:
            self.go_away()

    async def come_back(self) -> None:
        """It listens, where it did before."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self.connect, "127.0.0.1", self._port, backlog=1000)
        self._port = self._server.sockets[0].getsockname()[1]

    def go_away(self) -> None:
        """New connections are refused, and who was being told something is cut off."""
        if self._server is not None:
            self._server.close()
        self.cut()

    def cut(self) -> None:
        """Nobody hears the rest of an answer."""
        for connection in tuple(self._telling):
            connection.transport.abort()

    def texts(self, question: str) -> list[str]:
        """What it was asked to say to this question, attempt by attempt."""
        return [text_of(question, n + 1) for n in range(self.attempts[name_of(question)])]

    def _chat(self, connection: Connection, body: dict[str, Any]) -> None:
        question = body["messages"][-1]["content"]
        name = name_of(question)
        self.attempts[name] += 1
        self.before[name] = [
            earlier[0]
            for message in body["messages"][:-1]
            if message["role"] == "user" and (earlier := _NAME.search(message["content"]))
        ]
        asked = _TROUBLE.search(question)
        trouble = TROUBLES.get(asked[1] if asked else self.trouble, {})
        text = text_of(name, self.attempts[name])
        script = Script(text=text).for_model(body["model"]).changed(trouble)
        if self._refused(connection, script):
            return
        connection.begin_events()
        self._telling.add(connection)
        steps = pieces(script, body["model"])
        if script.half:
            steps = tuple(part for step in steps for part in halves(step) or (step,))
        _Telling(connection, steps, self, name).step()

    def over(self, connection: Connection, name: str, *, lost: bool) -> None:
        """The answer was told, or its listener has gone."""
        self._telling.discard(connection)
        connection.on_lost = None
        if lost:
            self.dropped[name] += 1
            self.lost[name] = time.time()

    def _embed(self, connection: Connection, body: dict[str, Any]) -> None:
        asyncio.get_running_loop().call_later(self.embedding_seconds, super()._embed, connection, body)


class _Telling:
    """One answer on its way."""

    def __init__(self, connection: Connection, steps: tuple[bytes, ...], model: Model, name: str) -> None:
        self._connection = connection
        self._steps = steps
        self._model = model
        self._written = 0
        self._name = name
        connection.on_lost = lambda: model.over(connection, name, lost=True)

    def step(self) -> None:
        if self._connection.transport.is_closing():
            return
        if self._steps[self._written] is STALL:
            return
        if self._steps[self._written] is CUT:
            self._connection.transport.close()
            return
        self._connection.transport.write(self._steps[self._written])
        self._written += 1
        if self._written < len(self._steps):
            asyncio.get_running_loop().call_later(self._model.between_seconds, self.step)
        else:
            self._model.over(self._connection, self._name, lost=False)
