"""A model every word of whose answers says to which question and which attempt it belongs."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.fakes.http import Connection
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.script import Script, pieces

_NAME = re.compile(r"question-[0-9a-z]+-words-(\d+)")
BETWEEN_SECONDS = 0.02


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
    """

    def __init__(self) -> None:
        super().__init__()
        self.attempts: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self.before: dict[str, list[str]] = {}
        self.between_seconds = BETWEEN_SECONDS
        self.embedding_seconds = 0.0

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """It answers on a loopback port, and `base_url` is where."""
        server = await asyncio.get_running_loop().create_server(self.connect, "127.0.0.1", 0, backlog=1000)
        self.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        try:
            yield
        finally:
            server.close()

    def texts(self, question: str) -> list[str]:
        """What it was asked to say to this question, attempt by attempt."""
        return [text_of(question, n + 1) for n in range(self.attempts[name_of(question)])]

    def _chat(self, connection: Connection, body: dict[str, Any]) -> None:
        name = name_of(body["messages"][-1]["content"])
        self.attempts[name] += 1
        self.before[name] = [
            earlier[0]
            for message in body["messages"][:-1]
            if message["role"] == "user" and (earlier := _NAME.search(message["content"]))
        ]
        steps = pieces(Script(text=text_of(name, self.attempts[name])), body["model"])
        connection.begin_events()
        _Telling(connection, steps, self, name).step()

    def _embed(self, connection: Connection, body: dict[str, Any]) -> None:
        asyncio.get_running_loop().call_later(self.embedding_seconds, super()._embed, connection, body)


class _Telling:
    """One answer on its way."""

    def __init__(self, connection: Connection, steps: tuple[bytes, ...], model: Model, name: str) -> None:
        self._connection = connection
        self._steps = steps
        self._model = model
        self._written = 0
        connection.on_lost = lambda: model.dropped.update([name])

    def step(self) -> None:
        if self._connection.transport.is_closing():
            return
        self._connection.transport.write(self._steps[self._written])
        self._written += 1
        if self._written < len(self._steps):
            asyncio.get_running_loop().call_later(self._model.between_seconds, self.step)
        else:
            self._connection.on_lost = None
