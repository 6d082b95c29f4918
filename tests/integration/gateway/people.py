"""Clients of the gateway, by hand: nothing is repeated, nothing is hidden."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

PATIENCE_SECONDS = 15.0

Frame = dict[str, Any]
LAST = {"end", "error", "no-active"}


class Client:
    """One socket.

    Args:
        connection: open.
        token: in every frame that has one; None for a client without.
    """

    def __init__(self, connection: ClientConnection, token: str | None) -> None:
        self.connection = connection
        self.token = token

    async def send(self, session: str, text: str = "What is free?", *, message_id: str = "m-1", **given: Any) -> str:
        """Ask; the request's id."""
        message = {"id": message_id, "role": "user", "parts": [{"type": "text", "text": text}]}
        return await self._request({"type": "send", "id": session, "messages": [message], **given})

    async def resume(self, session: str, **given: Any) -> str:
        """Ask for the answer under way; the request's id."""
        return await self._request({"type": "resume", "id": session, **given})

    async def abort(self, request_id: str) -> None:
        await self.connection.send(json.dumps({"type": "abort", "requestId": request_id}))

    async def frame(self) -> Frame:
        """The next frame."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            found: Frame = json.loads(await self.connection.recv())
            return found

    async def until(self, kind: str) -> list[Frame]:
        """Frames up to and with the first of this type, or the first chunk of it."""
        frames = [await self.frame()]
        while kind not in {frames[-1]["type"], frames[-1].get("chunk", {}).get("type")}:
            frames.append(await self.frame())
        return frames

    async def replies(self, *request_ids: str) -> dict[str, list[Frame]]:
        """All frames of these requests, until each has ended."""
        frames: dict[str, list[Frame]] = {request_id: [] for request_id in request_ids}
        waiting = set(request_ids)
        while waiting:
            frame = await self.frame()
            frames[frame["requestId"]].append(frame)
            if frame["type"] in LAST:
                waiting.discard(frame["requestId"])
        return frames

    async def reply(self, request_id: str) -> list[Frame]:
        """All frames of this request, until it has ended."""
        return (await self.replies(request_id))[request_id]

    async def close_code(self) -> int | None:
        """Of the server's close frame; what else comes before is dropped."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            with suppress(ConnectionClosed):
                while True:
                    await self.connection.recv()
        return self.connection.close_code

    async def _request(self, frame: Frame) -> str:
        headers = {} if self.token is None else {"authorization": f"Bearer {self.token}"}
        request = {"requestId": uuid4().hex, "headers": headers, "body": {}, **frame}
        await self.connection.send(json.dumps(request))
        return str(request["requestId"])


@asynccontextmanager
async def connected(url: str, token: str | None, **given: Any) -> AsyncIterator[Client]:
    """A client of the gateway at this address."""
    address = f"{url.replace('http', 'ws', 1)}/v1/chat"
    async with connect(address, **{"proxy": None, "compression": None, "close_timeout": 1, **given}) as connection:
        yield Client(connection, token)


def text_of(frames: list[Frame]) -> str:
    """What a reply says; its sequence has no gap."""
    chunks = [frame for frame in frames if frame["type"] == "chunk"]
    assert [frame["sequence"] for frame in chunks] == list(range(len(chunks)))
    text = ""
    for frame in chunks:
        match frame["chunk"]["type"]:
            case "start" | "start-step" | "reset-step":
                text = ""
            case "text-delta":
                text += frame["chunk"]["delta"]
            case _:
                pass
    return text


def kinds_of(frames: list[Frame]) -> list[str]:
    """The type of each chunk, or of the frame where it has none."""
    return [frame["chunk"]["type"] if frame["type"] == "chunk" else frame["type"] for frame in frames]
