"""What generation asks of the world."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Protocol

from libs.contracts.events import AnswerWritten, ContextRetrieved
from libs.contracts.frames import Cited, Delta
from libs.llm.chat import Message
from libs.llm.chunks import Finished

Write = Callable[[Delta | Cited], None]
"""Appends a frame to the attempt's log; returns at once."""


class ChatModel(Protocol):
    """Writes text, piece by piece."""

    @property
    def model(self) -> str: ...

    def stream(
        self, messages: Sequence[Message], *, max_output_tokens: int
    ) -> AsyncGenerator[str | Finished, None]: ...


class Tokenizer(Protocol):
    """Measures text as a model does."""

    def count(self, text: str) -> int: ...

    def truncate(self, text: str, max_tokens: int) -> str: ...


class Answer(Protocol):
    """The use case with everything it needs but the attempt."""

    def __call__(self, context: ContextRetrieved, *, write: Write, last_try: bool) -> Awaitable[AnswerWritten]: ...
