"""What is asked of the models."""

from collections.abc import AsyncGenerator, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
"""One row a text, of unit length."""

Json = dict[str, Any]
"""A JSON object in the shape OpenAI's API documents."""


class ChatModel(Protocol):
    """Answers chats; takes the request's body as it came, so that a model sees every option it knows."""

    @property
    def name(self) -> str:
        """The id under which it is listed and asked for."""

    async def complete(self, body: Json) -> Json:
        """The answer as one `chat.completion`.

        Raises:
            RequestError: the request is wrong, or too long for the model.
        """

    def stream(self, body: Json) -> AsyncGenerator[Json]:
        """The answer as `chat.completion.chunk` objects; closing the iterator stops the model.

        Raises:
            RequestError: as in `complete`, before the first chunk.
        """


class EmbeddingModel(Protocol):
    """Turns texts into vectors; it blocks, and may be called from any thread."""

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        """The token ids it will see of each text."""

    def run(self, rows: Sequence[Sequence[int]]) -> Vectors:
        """One vector per row of token ids."""


class TokenCounter(Protocol):
    """Says how long texts are."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """The length of each text in tokens."""
