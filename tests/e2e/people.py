"""Those who ask: with a token of their own, over HTTP and over the chat socket."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx
from websockets.asyncio.client import ClientConnection, connect

from deploy.local.client import Chat, Token
from deploy.local.documents import follow, upload
from deploy.local.environment import EDITOR_EMAIL
from deploy.local.sign_in import Guest, identity_of, user_token
from deploy.local.transcript import Transcript
from tests.e2e.stack import Stack

ANSWER_SECONDS = 40.0
"""A bound for an answer in whatever trouble; without any it takes one second."""

Frame = dict[str, Any]


class Person:
    """Somebody with a token.

    Args:
        stack: the run they use.
        http: to call its API with.
        token: gives their token.
    """

    def __init__(self, stack: Stack, http: httpx.AsyncClient, token: Token) -> None:
        self.url = stack.url
        self.token = token
        self._http = http

    async def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        """A request to the API, signed."""
        headers = {"authorization": f"Bearer {await self.token()}"}
        return await self._http.request(method, f"{self.url}{path}", headers=headers, **options)

    async def ask(self, session: str, question: str, **given: Any) -> Transcript:
        """The whole answer, over a socket of its own that comes back when it is lost."""
        return await self.listen_to(Transcript(), session, question, **given)

    async def listen_to(
        self, transcript: Transcript, session: str, question: str | None = None, **given: Any
    ) -> Transcript:
        """As `ask`, into a transcript that others look at meanwhile; without a question, resume."""
        async with asyncio.timeout(ANSWER_SECONDS), Chat(self.url, self.token) as chat:
            chunks = chat.resume(session) if question is None else chat.ask(session, question, **given)
            async for chunk in chunks:
                transcript.apply(chunk)
        return transcript

    async def messages(self, session: str) -> list[Mapping[str, Any]]:
        """The session as it is stored, oldest first."""
        response = await self.call("GET", f"/v1/sessions/{session}/messages")
        assert response.is_success, response.text
        items: list[Mapping[str, Any]] = response.json()["items"]
        return items

    async def answers(self, session: str) -> list[Mapping[str, Any]]:
        """The session's stored answers, oldest first."""
        return [message for message in await self.messages(session) if message["role"] == "assistant"]

    async def publish(self, path: Any, *, collection: str = "public") -> str:
        """The document's id, when questions find it; only the editor may."""
        token = await self.token()
        document = await upload(self._http, self.url, path, token=token, collection=collection)
        async for state in follow(self._http, self.url, str(document["id"]), token=token):
            document = state
        assert document["status"] == "searchable", document
        return str(document["id"])

    @asynccontextmanager
    async def socket(self) -> AsyncIterator["Socket"]:
        """A bare socket: nothing is repeated, nothing is hidden."""
        address = f"{self.url.replace('http', 'ws', 1)}/v1/chat"
        async with connect(address, proxy=None, compression=None) as connection:
            yield Socket(connection, await self.token())


class Socket:
    """The wire protocol by hand."""

    def __init__(self, connection: ClientConnection, token: str) -> None:
        self._connection = connection
        self._token = token

    async def send(self, session: str, question: str, *, message_id: str, **more: Any) -> str:
        """Ask, with more of the frame's fields; the request's id."""
        message = {"id": message_id, "role": "user", "parts": [{"type": "text", "text": question}]}
        return await self._request({"type": "send", "id": session, "messages": [message], **more})

    async def resume(self, session: str) -> str:
        """Ask for the answer under way; the request's id."""
        return await self._request({"type": "resume", "id": session})

    async def replies(self, *request_ids: str) -> dict[str, list[Frame]]:
        """All frames of these requests, until each has ended."""
        frames: dict[str, list[Frame]] = {request_id: [] for request_id in request_ids}
        open_requests = set(request_ids)
        async with asyncio.timeout(ANSWER_SECONDS):
            while open_requests:
                frame = json.loads(await self._connection.recv())
                frames[frame["requestId"]].append(frame)
                if frame["type"] in {"end", "error", "no-active"}:
                    open_requests.discard(frame["requestId"])
        return frames

    async def _request(self, frame: Frame) -> str:
        request_id = uuid4().hex
        headers = {"authorization": f"Bearer {self._token}"}
        whole = {"requestId": request_id, "headers": headers, "body": {}, **frame}
        await self._connection.send(json.dumps(whole))
        return str(whole["requestId"])


def transcript_of(frames: list[Frame]) -> Transcript:
    """What the chunks of a reply say; their sequence has no gap."""
    chunks = [frame for frame in frames if frame["type"] == "chunk"]
    assert [frame["sequence"] for frame in chunks] == list(range(len(chunks)))
    transcript = Transcript()
    for frame in chunks:
        transcript.apply(frame["chunk"])
    return transcript


async def guest_of(stack: Stack, http: httpx.AsyncClient) -> Person:
    """A new guest."""
    guest = Guest(await identity_of(stack.url, http), http)
    first = await guest.token()

    async def token() -> str:
        return first

    return Person(stack, http, token)


async def editor_of(stack: Stack, http: httpx.AsyncClient) -> Person:
    """The local editor, a user who may publish documents."""
    identity = await identity_of(stack.url, http)

    async def token() -> str:
        return await user_token(identity, http, email=EDITOR_EMAIL, password=stack.secrets.editor)

    return Person(stack, http, token)
