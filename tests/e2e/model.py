"""A model whose answers say which question and which attempt they belong to, and that stops where a test wants it."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from uuid import uuid4

from tests.fakes.http import Connection
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.script import Script, pieces

_NAME = re.compile(r"question-[0-9a-f]{8}")
WORDS = 40
BETWEEN_SECONDS = 0.02


def new_question() -> str:
    """A question like no other."""
    return f"How long does a transfer take? (question-{uuid4().hex[:8]})"


def name_of(question: str) -> str:
    """What the model calls the question."""
    found = _NAME.search(question)
    assert found, f"the model cannot tell which question this is: {question!r}"
    return found[0]


def words_of(question: str, *, attempt: int = 1) -> list[str]:
    """The tokens of the answer, each with the space before it."""
    text = f"To {name_of(question)} on attempt {attempt}: a transfer takes ten seconds [1]."
    return Script(text=text + "".join(f" größe-{n}-尺寸" for n in range(WORDS))).words()


def text_of(question: str, *, attempt: int = 1) -> str:
    """The whole answer."""
    return "".join(words_of(question, attempt=attempt))


class Pause:
    """Where an answer waits, after so many words, until `go_on`."""

    def __init__(self, *after: int) -> None:
        self._points = list(after)
        self._telling: _Telling | None = None

    def stops(self, telling: "_Telling", written: int) -> bool:
        """Whether nothing is to be written now; then the pause has the telling."""
        if not self._points or written < self._points[0]:
            return False
        self._telling = telling
        return True

    def go_on(self) -> None:
        """The next point, if any, is where the answer waits next."""
        self._points.pop(0)
        telling, self._telling = self._telling, None
        if telling is not None:
            telling.step()

    @property
    def is_reached(self) -> bool:
        """The answer waits."""
        return self._telling is not None


class Model(FakeOpenAI):
    """Embeds as the fake does, and answers by itself.

    Attributes:
        attempts: how often each question, by its name, was put to the model.
        dropped: names of the questions whose answer's reader went away.
        prompts: the messages' texts of each question's latest attempt.
        held_embeddings: questions whose embedding waits, while embeddings are held.
    """

    def __init__(self) -> None:
        super().__init__()
        self.attempts: Counter[str] = Counter()
        self.dropped: set[str] = set()
        self.prompts: dict[str, list[str]] = {}
        self.held_embeddings: set[str] = set()
        self._embeddings_are_held = False
        self._pauses: dict[str, Pause] = {}

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """It answers on a loopback port, and `base_url` is where."""
        server = await asyncio.get_running_loop().create_server(self.connect, "127.0.0.1", 0)
        self.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        try:
            yield
        finally:
            server.close()

    def pause(self, question: str, *after: int) -> Pause:
        """The next attempt at this question stops after so many words, at each point in turn."""
        pause = self._pauses[name_of(question)] = Pause(*after)
        return pause

    @contextmanager
    def embeddings_held(self) -> Iterator[None]:
        """No question is embedded in the block; those that asked in it get no answer, as if the model were stuck."""
        self._embeddings_are_held = True
        try:
            yield
        finally:
            self._embeddings_are_held = False
            self.held_embeddings.clear()

    def _embed(self, connection: Connection, body: dict[str, Any]) -> None:
        if self._embeddings_are_held:
            self.held_embeddings |= {name_of(text) for text in body["input"]}
        else:
            super()._embed(connection, body)

    def _chat(self, connection: Connection, body: dict[str, Any]) -> None:
        question = name_of(body["messages"][-1]["content"])
        self.attempts[question] += 1
        self.prompts[question] = [message["content"] for message in body["messages"]]
        text = text_of(question, attempt=self.attempts[question])
        connection.begin_events()
        connection.on_lost = lambda: self.dropped.add(question)
        steps = pieces(Script(text=text), body["model"])
        _Telling(connection, steps, self._pauses.pop(question, Pause())).step()


class _Telling:
    """One answer on its way."""

    def __init__(self, connection: Connection, steps: tuple[bytes, ...], pause: Pause) -> None:
        self._connection = connection
        self._steps = steps
        self._pause = pause
        self._written = 0

    def step(self) -> None:
        if self._connection.transport.is_closing() or self._pause.stops(self, self._written):
            return
        self._connection.transport.write(self._steps[self._written])
        self._written += 1
        if self._written < len(self._steps):
            asyncio.get_running_loop().call_later(BETWEEN_SECONDS, self.step)
        else:
            self._connection.on_lost = None
