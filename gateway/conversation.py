"""A chat over one connection: what the client wants, many answers at once, each request ended by itself."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field

import msgspec
import structlog

from gateway import client_frames
from gateway.client_frames import Abort, Resume, Send
from gateway.limits import TokenBucket
from gateway.ports import Connection, GoneError
from gateway.queue import Place, SessionQueues
from gateway.request import Chat, ChatRequest
from libs.errors import RequestError, TransientError
from libs.tasks import end_tasks

log = structlog.get_logger()

BAD_FRAME, NOT_AUTHENTICATED, NOT_ALLOWED, TOO_MANY = 1008, 4401, 4403, 4429
"""Close codes, where the connection can carry them."""
_AWAY = "Something we need does not answer. Try again in a moment."
_BUG = "Something went wrong on our side; we were told."


@dataclass
class Conversation:
    """What is said over one connection.

    Attributes:
        chat: what all connections share.
        connection: open.
    """

    chat: Chat
    connection: Connection
    _requests: dict[str, ChatRequest] = field(default_factory=dict)
    _queues: SessionQueues = field(default_factory=SessionQueues)
    _tasks: "set[asyncio.Task[None]]" = field(default_factory=set)
    _authenticated: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Serve the client until it goes, misbehaves, or never shows who it is."""
        settings = self.chat.settings
        bucket = TokenBucket(rate=settings.frames_per_second, burst=settings.frames_burst)
        self._spawn(self._demand_authentication(), name="authentication deadline")
        try:
            async for text in self.connection.frames():
                if not bucket.take():
                    await self.connection.close(TOO_MANY, "too many frames")
                    return
                try:
                    frame = client_frames.parse(text)
                except ValueError:
                    await self.connection.close(BAD_FRAME, "not a frame of this protocol")
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
            await self.connection.close(NOT_AUTHENTICATED, "no valid token in time")

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
                address=self.connection.address,
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
            self.chat.away.noticed_in_passing(reason=str(error))
            await self._error(request_id, _AWAY)
        except GoneError:
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
            self.chat.away.noticed_in_passing(reason=str(error))

    async def _error(self, request_id: str, text: str) -> None:
        with suppress(GoneError):
            await self._reply({"type": "error", "requestId": request_id, "errorText": text})

    async def _reply(self, frame: dict[str, object]) -> None:
        await self.connection.send(msgspec.json.encode(frame).decode())
