"""What generation asks of the world."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Protocol

from libs.contracts.events import AnswerWritten, ContextRetrieved
from libs.contracts.frames import Cited, Delta
from libs.contracts.values import Usage
from libs.llm.chat import Message
from libs.llm.chunks import Finished

if TYPE_CHECKING:
    from generation_service.prompt import Prompt

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


class Prices(Protocol):
    """What calls to models cost, in millionths of a US dollar."""

    def dearest_micro_usd(self, models: Iterable[str], usage: Usage) -> int: ...


class Purse(Protocol):
    """A key's budget, for one attempt at an answer."""

    async def reserve(self, micro_usd: int) -> bool:
        """Whether that much is left; if so it is held for this attempt, and no longer for one before it.

        Raises:
            TransientError: the budget cannot be looked at.
        """
        ...

    async def settle(self, micro_usd: int) -> None:
        """Charge that in place of what was reserved; once, and only while no newer attempt has reserved."""
        ...


class Paid(Protocol):
    """A call that may be made."""

    finished: Finished | None


class Metering(Protocol):
    """Counts what the calls of one attempt cost."""

    @property
    def cost_micro_usd(self) -> int: ...

    def call(
        self, messages: Sequence[Message], *, answer_tokens: int, said: Callable[[], str]
    ) -> AbstractAsyncContextManager[Paid]: ...


class Answer(Protocol):
    """The use case with everything it needs but the attempt."""

    def __call__(
        self, context: ContextRetrieved, prompt: "Prompt", *, write: Write, meter: Metering, last_try: bool
    ) -> Awaitable[AnswerWritten]: ...
