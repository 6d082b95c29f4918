"""What the extractive model reads of a prompt: the passages in the system message, and the last question."""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from deploy.local.models.refusals import invalid

MAX_MESSAGES = 1000
MAX_PASSAGES = 100
PASSAGE_MAX_CHARACTERS = 20_000

# At least one attribute: the rules above the passages may speak of `<passage>` elements.
_PASSAGE = re.compile(r"""<passage((?:\s+[\w-]+="[^"]*")+)\s*>(.*?)</passage>""", re.DOTALL)
_ATTRIBUTE = re.compile(r'''([\w-]+)="([^"]*)"''')


class Part(BaseModel):
    """A piece of a message; only text can be read here."""

    type: Literal["text"]
    text: str


class Message(BaseModel):
    """One message of a chat, as OpenAI's API writes it."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[Part] | None = None

    @property
    def text(self) -> str:
        """The message's text, its parts joined."""
        if isinstance(self.content, list):
            return "".join(part.text for part in self.content)
        return self.content or ""


class StreamOptions(BaseModel):
    """What a stream carries beside the text."""

    include_usage: bool = False


class ChatRequest(BaseModel):
    """A request for a chat completion; sampling options are accepted and have no effect on a quotation."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    model: str
    messages: list[Message] = Field(min_length=1, max_length=MAX_MESSAGES)
    n: Literal[1] | None = None
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    stream_options: StreamOptions | None = None

    @property
    def token_limit(self) -> int | None:
        """The most tokens the answer may have, by the newer name or the older one."""
        return self.max_completion_tokens or self.max_tokens

    @property
    def include_usage(self) -> bool:
        """Whether a stream is to end with the usage."""
        return self.stream_options is not None and self.stream_options.include_usage


@dataclass(frozen=True)
class NumberedPassage:
    """A passage as the prompt gives it; answers cite its number."""

    number: int
    title: str
    text: str


def read_request(body: dict[str, Any]) -> ChatRequest:
    """The request, checked.

    Raises:
        RequestError: a field is missing or wrong; it names the first one.
    """
    try:
        return ChatRequest.model_validate(body)
    except ValidationError as error:
        raise invalid(error) from error


def passages_in(messages: Sequence[Message]) -> list[NumberedPassage]:
    """The `<passage n="1" title="…">` blocks of the system messages, in their order, with `&lt;` and the like undone.

    What a user or the assistant wrote is never read as a passage.
    """
    system = "\n".join(message.text for message in messages if message.role in {"system", "developer"})
    passages: dict[int, NumberedPassage] = {}
    for block in _PASSAGE.finditer(system):
        attributes = {name: html.unescape(value) for name, value in _ATTRIBUTE.findall(block[1])}
        number = attributes.get("n", "")
        if number.isascii() and number.isdigit() and len(passages) < MAX_PASSAGES:
            text = html.unescape(block[2]).strip()[:PASSAGE_MAX_CHARACTERS]
            passages.setdefault(int(number), NumberedPassage(int(number), attributes.get("title", ""), text))
    return list(passages.values())


def questions_in(messages: Sequence[Message]) -> list[str]:
    """What the user asked, the latest last."""
    return [text for message in messages if message.role == "user" and (text := message.text.strip())]
