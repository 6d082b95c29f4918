"""`WS /v1/chat`: one client's socket, many answers on it."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field

import msgspec
import structlog
from fastapi import WebSocket, WebSocketDisconnect
from starlette.websockets import WebSocketState

from gateway import client_frames
from gateway.client_frames import Abort, Resume, Send
from gateway.limits import TokenBucket
from gateway.queue import Place, SessionQueues
from gateway.request import Chat, ChatRequest
from libs.errors import RequestError, TransientError
from libs.tasks import end_tasks

log = structlog.get_logger()

BAD_FRAME, NOT_AUTHENTICATED, NOT_ALLOWED, TOO_MANY = 1008, 4401, 4403, 4429
_AWAY = "Something we need does not answer. Try again in a moment."
_BUG = "Something went wrong on our side; we were told."


class _GoneError(Exception):
    """The client is not there any more."""


@dataclass
class ChatSocket:
    """One accepted socket.

    A client that takes nothing is cut off by the server's protocol (`libs.service.protocols`); here it is then gone.

    Attributes:
        chat: what all sockets share.
        socket: the accepted connection.
        address: of the client, as it is counted.
    """

    chat: Chat
    socket: WebSocket
    address: str
    _requests: dict[str, ChatRequest] = field(default_factory=dict)
    _queues: SessionQueues = field(default_factory=SessionQueues)
    _tasks: "set[asyncio.Task[None]]" = field(default_factory=set)
    _authenticated: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Serve the client until it goes, misbehaves, or never shows who it is."""
        settings = self.chat.settings
        bucket = TokenBucket(rate=settings.frames_per_second, burst=settings.frames_burst)
        self._spawn(self._demand_authentication(), name="socket authentication deadline")
        try:
            while True:
                message = await self.socket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                if not bucket.take():
                    await self._close(TOO_MANY, "too many frames")
                    return
                try:
                    frame = client_frames.parse(message.get("text") or "")
                except ValueError:
                    await self._close(BAD_FRAME, "not a frame of this protocol")
                    return
                await self._take(frame)
        finally:
            await end_tasks(*self._tasks)

    def _spawn(self, work: Coroutine[None, None, None], *, name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _demand_authentication(self) -> None:
        try:
            async with asyncio.timeout(self.chat.settings.authentication_seconds):
                await self._authenticated.wait()
        except TimeoutError:
            await self._close(NOT_AUTHENTICATED, "no valid token in time")

    async def _take(self, frame: Send | Resume | Abort) -> None:
        request_id = frame.requestId
        if isinstance(frame, Abort):
            request = self._requests.get(request_id)
            if request is not None:
                self._spawn(self._abort(request), name="abort")
        elif request_id in self._requests:
            await self._error(request_id, "This request id is in use.")
        elif len(self._requests) >= self.chat.settings.max_requests_per_socket:
            await self._error(request_id, "Too many answers at once on this socket: wait for one to end.")
        else:
            place = self._queues.join(frame.id) if isinstance(frame, Send) else Place(None)
            request = ChatRequest(
                self.chat,
                frame,
                address=self.address,
                reply=self._reply,
                place=place,
                on_authenticated=self._authenticated.set,
            )
            self._requests[request_id] = request
            self._spawn(self._serve(request_id, request, place), name=f"request {frame.type}")

    async def _serve(self, request_id: str, request: ChatRequest, place: Place) -> None:
        try:
            await request.run()
        except RequestError as error:
            await self._error(request_id, error.detail)
        except TransientError as error:
            log.warning("cannot serve a request now", reason=str(error))
            await self._error(request_id, _AWAY)
        except _GoneError:
            return
        except Exception:
            # A bug ends this request, not the others, and not in silence.
            log.exception("unexpected error")
            await self._error(request_id, _BUG)
        finally:
            place.pass_on()
            del self._requests[request_id]

    async def _abort(self, request: ChatRequest) -> None:
        try:
            await request.abort()
        except TransientError as error:
            log.warning("an abort was lost", reason=str(error))

    async def _error(self, request_id: str, text: str) -> None:
        with suppress(_GoneError):
            await self._reply({"type": "error", "requestId": request_id, "errorText": text})

    async def _reply(self, frame: dict[str, object]) -> None:
        text = msgspec.json.encode(frame).decode()
        if self.socket.application_state is not WebSocketState.CONNECTED:
            raise _GoneError
        try:
            await self.socket.send_text(text)
        except (WebSocketDisconnect, RuntimeError) as error:
            # Starlette raises RuntimeError when another task has closed the socket while this one waited.
            raise _GoneError from error

    async def _close(self, code: int, reason: str) -> None:
        if self.socket.application_state is WebSocketState.CONNECTED:
            with suppress(RuntimeError, WebSocketDisconnect):
                await self.socket.close(code, reason)
