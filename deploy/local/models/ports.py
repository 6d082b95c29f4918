"""What the API asks of a model that answers."""

from collections.abc import AsyncIterator
from typing import Any, Protocol

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

    def stream(self, body: Json) -> AsyncIterator[Json]:
        """The answer as `chat.completion.chunk` objects; closing the iterator stops the model.

        Raises:
            RequestError: as in `complete`, before the first chunk.
        """
