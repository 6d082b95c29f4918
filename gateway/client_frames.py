"""What clients send: the frames of the AI SDK's `WebSocketChatTransport`, with limits.

Source: npm `ai` 7, `docs/07-reference/02-ai-sdk-ui/51-websocket-chat-transport.mdx`.
"""

import hashlib
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from libs.auth.http import KEY_HEADER
from libs.contracts.ids import is_client_id
from libs.contracts.values import QUESTION_MAX_CHARACTERS
from libs.errors import RequestError

MESSAGES_MAX = 1_000
PARTS_MAX = 200

RequestId = Annotated[str, StringConstraints(min_length=1, max_length=128)]


class ClientFrame(BaseModel):
    """Fields of later versions are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    requestId: RequestId  # noqa: N815 - the wire's name


class _Authorized(ClientFrame):
    id: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    headers: dict[str, str] = {}

    @property
    def authorization(self) -> str | None:
        """The token's header, whatever its case."""
        return self._header("authorization")

    @property
    def api_key(self) -> str | None:
        """A key's header, whatever its case."""
        return self._header(KEY_HEADER)

    def _header(self, wanted: str) -> str | None:
        return next((value for name, value in self.headers.items() if name.lower() == wanted), None)


class Send(_Authorized):
    """Asks: the last of `messages` is the question, the one before it says what its asker saw; the history is ours.

    With `messageId` it is asked in the stead of that message: edited, or to be answered once more. The other one stays.
    """

    type: Literal["send"]
    trigger: Literal["submit-message", "regenerate-message"] = "submit-message"
    messageId: Annotated[str, StringConstraints(max_length=128)] | None = None  # noqa: N815
    messages: Annotated[list[Any], Field(min_length=1, max_length=MESSAGES_MAX)]


class Resume(_Authorized):
    """Wants the answer the session waits for, from its beginning, or behind the chunk whose `cursor` it gives.

    With `messageId`, the answer's id from its `start` chunk, an abort of this request means that answer. The
    `lastSequence` that the protocol has besides is not looked at: a number does not say of which attempts it counts.
    """

    type: Literal["resume"]
    messageId: Annotated[str, StringConstraints(max_length=64)] | None = None  # noqa: N815
    cursor: Annotated[str, StringConstraints(max_length=64)] | None = None


class Abort(ClientFrame):
    """Cancels what was asked for, or resumed, under this request id."""

    type: Literal["abort"]


class _Part(BaseModel):
    type: str
    text: str = ""


class _Message(BaseModel):
    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    role: Literal["user"]
    parts: Annotated[list[_Part], Field(max_length=PARTS_MAX)]


class _Above(BaseModel):
    id: UUID
    role: Literal["assistant"]


_FRAME: TypeAdapter[Send | Resume | Abort] = TypeAdapter(
    Annotated[Send | Resume | Abort, Field(discriminator="type")],
    config=ConfigDict(cache_strings="keys"),
)


def parse(text: str) -> Send | Resume | Abort:
    """The frame.

    Raises:
        ValueError: it is none; the socket is closed, as there is no request to answer.
    """
    return _FRAME.validate_json(text)


class Stead(NamedTuple):
    """Where in its session a question is asked; as in `libs.contracts.values.Turn`."""

    replaces: str | None
    in_place: bool
    seen: UUID | None


def question_of(send: Send) -> tuple[str, str]:
    """What the question is known by, from the client's message id, which is its idempotency key; and the question.

    Raises:
        RequestError: the last message is no question.
    """
    message = _question(send)
    text = "\n".join(part.text for part in message.parts if part.type == "text").replace("\x00", "").strip()
    if not text:
        raise RequestError("The question is empty.", status=422, code="empty_question")
    if len(text) > QUESTION_MAX_CHARACTERS:
        raise RequestError(
            f"The question has more than {QUESTION_MAX_CHARACTERS} characters: shorten it or upload it as a document.",
            status=422,
            code="question_too_long",
        )
    # The slash keeps what is derived apart from any id that a client can choose.
    if send.trigger == "regenerate-message":
        # Another answer to the same question is another turn; a repeated frame is still the same one.
        return f"{message.id}/{send.requestId}", text
    if send.messageId == message.id:
        # `useChat` edits a message under the id it has: with other words it is another question, however often sent.
        return f"{message.id}/{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:32]}", text
    return message.id, text


def stead_of(send: Send) -> Stead:
    """Where the question is asked.

    Raises:
        RequestError: the last message is no question.
    """
    message = _question(send)
    named = send.messageId if send.messageId and is_client_id(send.messageId) else None
    if send.trigger == "regenerate-message":
        return Stead(named or message.id, in_place=False, seen=_seen(send))
    return Stead(named, in_place=named == message.id, seen=_seen(send))


def _question(send: Send) -> _Message:
    try:
        return _Message.model_validate(send.messages[-1])
    except ValidationError:
        raise RequestError(
            "The last message must have an id of 1 to 64 URL-safe characters, the role `user` and text parts.",
            status=422,
            code="invalid_message",
        ) from None


def _seen(send: Send) -> UUID | None:
    try:
        return _Above.model_validate(send.messages[-2]).id
    except (IndexError, ValidationError):
        # Answers have our ids; whoever shows others, or none, has seen what is shown.
        return None
