"""A client of the chat protocol in Python: `WS /v1/chat` as the AI SDK's `WebSocketChatTransport` speaks it.

Copy it: it needs the package `websockets` and nothing of Eloquent.

    async with Chat("http://127.0.0.1:8000", token) as chat:
        async for chunk in chat.ask("a-session", "How do I reset my password?"):
            ...
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Literal, Self
from urllib.parse import urlsplit
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

Token = Callable[[], Awaitable[str]]
"""Gives a token that is valid now; asked before every frame that carries one."""

PAUSES_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
"""How long to wait before each new connection; after the last one the answer is given up here, not there."""

FRAME_MAX_BYTES = 128 * 1024
_REFUSALS = {1008: "bad frame", 4401: "not signed in", 4403: "not allowed", 4429: "too many connections"}
_LOST = (ConnectionClosed, InvalidHandshake, OSError, TimeoutError)


class ChatError(Exception):
    """The server said no, or could not be reached; the message is for people."""


def is_local(url: str) -> bool:
    """The address is on this machine, where no proxy leads."""
    return urlsplit(url).hostname in {"127.0.0.1", "localhost", "::1"}


class Chat:
    """One connection, one question at a time; it comes back by itself when the network does.

    Args:
        url: the gateway's address, http or https.
        token: of a signed-in user or of a guest.
    """

    def __init__(self, url: str, token: Token) -> None:
        self._url = f"ws{url.removeprefix('http').rstrip('/')}/v1/chat"
        self._token = token
        self._socket: ClientConnection | None = None
        self._request_id = ""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.disconnect()

    async def ask(
        self, session: str, question: str, *, message_id: str | None = None
    ) -> AsyncIterator[Mapping[str, Any]]:
        """The chunks of the answer. A chunk `start` begins it, also again after a lost connection: drop what was there.

        Args:
            session: any 1 to 64 URL-safe characters; the same ones go on with the same session.
            question: what to ask.
            message_id: the question's idempotency key; asked again with it, the same answer comes again.

        Raises:
            ChatError: the question was refused, the answer failed, or nobody could be reached.
        """
        message = {"id": message_id or str(uuid4()), "role": "user", "parts": [{"type": "text", "text": question}]}
        send = {"type": "send", "id": session, "trigger": "submit-message", "messages": [message]}
        async for chunk in self._answer(send, session):
            yield chunk

    async def resume(self, session: str) -> AsyncIterator[Mapping[str, Any]]:
        """The chunks of the answer that the session waits for, from its first; none when it waits for none."""
        async for chunk in self._answer({"type": "resume", "id": session}, session):
            yield chunk

    async def abort(self) -> None:
        """The answer that is coming in is cancelled for good; its chunks end."""
        if self._socket is not None:
            await self._socket.send(json.dumps({"type": "abort", "requestId": self._request_id}))

    async def disconnect(self) -> None:
        """The connection is closed; an answer that was coming in goes on without us."""
        socket, self._socket = self._socket, None
        if socket is not None:
            await socket.close()

    async def _answer(self, first: Mapping[str, Any], session: str) -> AsyncIterator[Mapping[str, Any]]:
        frame, pauses, lost = first, list(PAUSES_SECONDS), ""
        while True:
            try:
                async for chunk in self._exchange(frame):
                    frame, pauses = {"type": "resume", "id": session}, list(PAUSES_SECONDS)
                    yield chunk
            except _NoActiveAnswerError:
                if frame is first:
                    return
                # It ended while we were away. The same question with the same id brings the same answer.
                frame = first
            except _LOST as error:
                lost = _refused(error)
                await self.disconnect()
                if not pauses:
                    raise ChatError(f"the connection to {self._url} was lost: {lost}") from error
                await asyncio.sleep(pauses.pop(0))
            else:
                return

    async def _exchange(self, frame: Mapping[str, Any]) -> AsyncIterator[Mapping[str, Any]]:
        """One request and the chunks of its reply."""
        if self._socket is None:
            proxy: Literal[True] | None = None if is_local(self._url) else True
            self._socket = await connect(self._url, max_size=FRAME_MAX_BYTES, compression=None, proxy=proxy)
        self._request_id = str(uuid4())
        headers = {"authorization": f"Bearer {await self._token()}"}
        request = {"requestId": self._request_id, "headers": headers, "body": {}, "metadata": None, **frame}
        await self._socket.send(json.dumps(request))
        expected = 0
        async for raw in self._socket:
            reply = json.loads(raw)
            if reply.get("requestId") != self._request_id:
                continue
            match reply["type"]:
                case "chunk" if reply["sequence"] == expected:
                    expected += 1
                    if reply["chunk"]["type"] == "error":
                        raise ChatError(reply["chunk"]["errorText"])
                    yield reply["chunk"]
                case "chunk" if reply["sequence"] > expected:
                    raise TimeoutError("a chunk is missing")
                case "end":
                    return
                case "error":
                    raise ChatError(reply.get("errorText", "the server refused the question"))
                case "no-active":
                    raise _NoActiveAnswerError
        # The loop ends without an exception when the server closes with code 1000 or 1001.
        raise TimeoutError("the server closed the connection")


class _NoActiveAnswerError(Exception):
    """The session waits for no answer."""


def _refused(error: Exception) -> str:
    """What happened to the connection.

    Raises:
        ChatError: connecting again would change nothing.
    """
    if isinstance(error, ConnectionClosed) and error.rcvd is not None and error.rcvd.code in _REFUSALS:
        raise ChatError(error.rcvd.reason or _REFUSALS[error.rcvd.code]) from error
    return str(error) or type(error).__name__
