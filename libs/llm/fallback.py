"""A second model for when the first is away."""

import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

import structlog

from libs.errors import TransientError
from libs.llm.chat import Message, OpenAIChat
from libs.llm.chunks import Finished

log = structlog.get_logger()

AVOID_SECONDS = 15.0
"""A model that was away is asked last for so long: not every question waits for it in vain."""


class FallbackChat:
    """Asks `first`, and `second` when the first brought no text however often it was tried; `Finished` says who wrote.

    Once text has begun the other cannot take over: its text would follow on the first one's.

    Args:
        first: the first choice; when it was away the second one is asked before it for `AVOID_SECONDS`.
        second: the other one.
        monotonic: the time.
    """

    def __init__(
        self, first: OpenAIChat, second: OpenAIChat, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._first = first
        self._second = second
        self._monotonic = monotonic
        self._avoided_until = float("-inf")

    @property
    def model(self) -> str:
        """The first choice."""
        return self._first.model

    async def stream(
        self, messages: Sequence[Message], *, max_output_tokens: int
    ) -> AsyncGenerator[str | Finished, None]:
        """As `OpenAIChat.stream`."""
        chosen, other = self._first, self._second
        if self._monotonic() < self._avoided_until:
            chosen, other = other, chosen
        begun = False
        try:
            async with aclosing(chosen.stream(messages, max_output_tokens=max_output_tokens)) as pieces:
                async for piece in pieces:
                    begun = True
                    yield piece
        except TransientError as error:
            if begun:
                raise
            if chosen is self._first:
                self._avoided_until = self._monotonic() + AVOID_SECONDS
            log.warning("the model is away, another one writes", model=chosen.model, reason=str(error))
        else:
            return
        async with aclosing(other.stream(messages, max_output_tokens=max_output_tokens)) as pieces:
            async for piece in pieces:
                yield piece
