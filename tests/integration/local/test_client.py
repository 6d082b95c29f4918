"""The Python client keeps its answer whatever happens to the connection."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from deploy.local.client import Chat, ChatError
from deploy.local.transcript import Transcript

Frame = dict[str, Any]

CHUNKS: list[Frame] = [
    {"type": "start", "messageId": "m"},
    {"type": "start-step"},
    {"type": "text-delta", "id": "t", "delta": "Hello "},
    {"type": "text-delta", "id": "t", "delta": "world"},
    {"type": "finish"},
]


def chunks(*, upto: int = len(CHUNKS)) -> list[Frame]:
    return [{"type": "chunk", "sequence": at, "chunk": chunk} for at, chunk in enumerate(CHUNKS[:upto])]


class Gateway:
    """A twin of the gateway: each request is answered by the next of `script`; a number closes the socket with it."""

    def __init__(self, *script: list[Frame | int]) -> None:
        self._script = list(script)
        self.seen: list[Frame] = []
        self.url = ""

    async def __call__(self, socket: ServerConnection) -> None:
        async for raw in socket:
            frame = json.loads(raw)
            self.seen.append(frame)
            if frame["type"] == "abort":
                await socket.send(json.dumps({"type": "end", "requestId": frame["requestId"]}))
                continue
            for reply in self._script.pop(0):
                if isinstance(reply, int):
                    await socket.close(reply, "closed by the script")
                    return
                await socket.send(json.dumps({**reply, "requestId": frame["requestId"]}))

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Chat]:
        async with serve(self, "127.0.0.1", 0) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            async with Chat(f"http://127.0.0.1:{port}", self.token) as chat:
                yield chat

    async def token(self) -> str:
        return "a-token"

    @property
    def kinds(self) -> list[str]:
        return [frame["type"] for frame in self.seen]


END: Frame = {"type": "end"}


async def assembled(chat: Chat) -> str:
    transcript = Transcript()
    async with asyncio.timeout(10):
        async for chunk in chat.ask("session", "Hello?", message_id="q"):
            transcript.apply(chunk)
    assert transcript.finished
    return transcript.text


async def test_a_question_is_sent_as_the_transport_sends_it() -> None:
    """One frame with the session, the one new message, and the token in its headers."""
    gateway = Gateway([*chunks(), END])
    async with gateway.open() as chat:
        assert await assembled(chat) == "Hello world"

    [frame] = gateway.seen
    assert isinstance(frame.pop("requestId"), str)
    assert frame == {
        "type": "send",
        "id": "session",
        "trigger": "submit-message",
        "messages": [{"id": "q", "role": "user", "parts": [{"type": "text", "text": "Hello?"}]}],
        "headers": {"authorization": "Bearer a-token"},
        "body": {},
        "metadata": None,
    }


async def test_a_dropped_connection_is_resumed() -> None:
    """In mid-answer the gateway goes away; the whole answer comes again, and counts once."""
    gateway = Gateway([*chunks(upto=3), 1012], [{"type": "start"}, *chunks(), END])
    async with gateway.open() as chat:
        assert await assembled(chat) == "Hello world"

    assert gateway.kinds == ["send", "resume"]


async def test_a_missing_chunk_is_a_lost_connection() -> None:
    """A text with a hole in it is never shown as whole."""
    gateway = Gateway([*chunks(upto=2), *chunks()[3:], END], [{"type": "start"}, *chunks(), END])
    async with gateway.open() as chat:
        assert await assembled(chat) == "Hello world"


async def test_a_repeated_chunk_counts_once() -> None:
    """Sequence numbers that were there already are left out."""
    gateway = Gateway([*chunks(upto=3), *chunks(), END])
    async with gateway.open() as chat:
        assert await assembled(chat) == "Hello world"


async def test_an_answer_that_ended_meanwhile_comes_with_the_same_question() -> None:
    """Nothing is active any more, so the question goes out again under its id: no second answer can come of it."""
    gateway = Gateway([*chunks(upto=3), 1012], [{"type": "no-active"}], [*chunks(), END])
    async with gateway.open() as chat:
        assert await assembled(chat) == "Hello world"

    assert gateway.kinds == ["send", "resume", "send"]
    assert gateway.seen[0]["messages"] == gateway.seen[2]["messages"]


async def test_a_question_that_may_not_have_arrived_is_sent_again() -> None:
    """Without a sign of an answer the same send goes out; its id makes it the same question."""
    gateway = Gateway([1012], [*chunks(), END])
    async with gateway.open() as chat:
        assert await assembled(chat) == "Hello world"

    assert gateway.kinds == ["send", "send"]


async def drained(chunks_: AsyncIterator[Any]) -> list[Any]:
    async with asyncio.timeout(10):
        return [chunk async for chunk in chunks_]


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        ({"type": "error", "errorText": "too long"}, "too long"),
        ({"type": "chunk", "sequence": 0, "chunk": {"type": "error", "errorText": "the model is away"}}, "model"),
        (4401, "closed by the script"),
        (1008, "closed by the script"),
    ],
)
async def test_a_refusal_is_not_tried_again(reply: Frame | int, says: str) -> None:
    """What the gateway said reaches the caller, and it is asked once."""
    gateway = Gateway([reply])
    async with gateway.open() as chat:
        with pytest.raises(ChatError, match=says):
            await drained(chat.ask("session", "Hello?"))

    assert gateway.kinds == ["send"]


async def test_resuming_a_session_that_waits_for_nothing_gives_nothing() -> None:
    """No chunk, no error."""
    gateway = Gateway([{"type": "no-active"}])
    async with gateway.open() as chat:
        assert not await drained(chat.resume("session"))


async def test_an_answer_can_be_aborted_while_it_comes() -> None:
    """The abort names the request, and the chunks end."""
    gateway = Gateway([*chunks(upto=3)])
    async with gateway.open() as chat:
        seen = 0

        async def aborting() -> None:
            nonlocal seen
            async for _ in chat.ask("session", "Hello?"):
                seen += 1
                if seen == 3:
                    await chat.abort()

        await _within(aborting)

    assert seen == 3
    assert gateway.seen[1] == {"type": "abort", "requestId": gateway.seen[0]["requestId"]}


async def _within(action: Callable[[], Awaitable[None]]) -> None:
    async with asyncio.timeout(10):
        await action()
