"""A second model for when the first is away."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import structlog

from libs.errors import TransientError
from libs.llm.chat import Message, OpenAIChat
from libs.llm.chunks import Finished

log = structlog.get_logger()


class FallbackChat:
    """Asks `first`, and `second` when the first brought no text however often it was tried; `Finished` says who wrote.

    Once text has begun the second cannot take over: its text would follow on the first one's.
    """

    def __init__(self, first: OpenAIChat, second: OpenAIChat) -> None:
        self._first = first
        self._second = second

    @property
    def model(self) -> str:
        """The first choice."""
        return self._first.model

    async def stream(
        self, messages: Sequence[Message], *, max_output_tokens: int
    ) -> AsyncGenerator[str | Finished, None]:
        """As `OpenAIChat.stream`."""
        begun = False
        try:
            async with aclosing(self._first.stream(messages, max_output_tokens=max_output_tokens)) as pieces:
                async for piece in pieces:
                    begun = True
                    yield piece
        except TransientError as error:
            if begun:
                raise
            log.warning("the model is away, another one writes", model=self._first.model, reason=str(error))
        else:
            return
        async with aclosing(self._second.stream(messages, max_output_tokens=max_output_tokens)) as pieces:
            async for piece in pieces:
                yield piece
