"""`WS /v1/chat`: one client's socket, many answers on it."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from uuid import UUID

import msgspec
import structlog
from fastapi import WebSocket, WebSocketDisconnect

from gateway import client_frames
from gateway.ask import ask, session_of, turn_of
from gateway.client_frames import Abort, Resume, Send
from gateway.limits import TokenBucket
from gateway.ports import Questions, StoredAnswers, Verifier
from gateway.relay import relay
from gateway.settings import GatewaySettings
from gateway.ui_stream import Chunk
from libs.answers.cancel import cancel
from libs.answers.names import LogName
from libs.answers.reader import AnswerReader, Reading
from libs.auth.http import bearer_token
from libs.bus.connection import Redis
from libs.clock import Clock
from libs.contracts.ids import partition_of
from libs.contracts.values import Principal
from libs.errors import RequestError, TransientError
from libs.tasks import end_tasks
from libs.telemetry.logs import log_context
from libs.telemetry.tracing import continue_trace

log = structlog.get_logger()

BAD_FRAME, TRY_AGAIN_LATER, NOT_AUTHENTICATED, NOT_ALLOWED, TOO_MANY = 1008, 1013, 4401, 4403, 4429
_AWAY = "Something we need does not answer. Try again in a moment."


@dataclass(frozen=True)
class Chat:
    """What all sockets of a process share."""

    verifier: Verifier
    questions: Questions
    reader: AnswerReader
    stored: StoredAnswers
    redis: Redis
    partitions: int
    settings: GatewaySettings
    clock: Clock


@dataclass
class _Request:
    task: "asyncio.Task[None] | None" = None
    log: LogName | None = None
    aborted: bool = False


class _SlowSocketError(Exception):
    """The client takes nothing."""


@dataclass
class ChatSocket:
    """One accepted socket.

    Attributes:
        chat: what all sockets share.
        socket: the accepted connection.
    """

    chat: Chat
    socket: WebSocket
    _requests: dict[str, _Request] = field(default_factory=dict)
    _authenticated: asyncio.Event = field(default_factory=asyncio.Event)
    _sending: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def run(self) -> None:
        """Serve the client until it goes, misbehaves, or never shows who it is."""
        settings = self.chat.settings
        bucket = TokenBucket(rate=settings.frames_per_second, burst=settings.frames_burst)
        deadline = asyncio.create_task(self._demand_authentication(), name="socket authentication deadline")
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
        except (WebSocketDisconnect, RuntimeError):
            # Starlette raises RuntimeError on a socket that another task has closed.
            return
        finally:
            await end_tasks(deadline, *(request.task for request in self._requests.values()))

    async def _demand_authentication(self) -> None:
        await asyncio.sleep(self.chat.settings.authentication_seconds)
        if not self._authenticated.is_set():
            await self._close(NOT_AUTHENTICATED, "no valid token in time")

    async def _take(self, frame: Send | Resume | Abort) -> None:
        if isinstance(frame, Abort):
            await self._abort(frame.requestId)
            return
        if frame.requestId in self._requests:
            await self._error(frame.requestId, "This request id is in use.")
            return
        if len(self._requests) >= self.chat.settings.max_requests_per_socket:
            await self._error(frame.requestId, "Too many answers at once on this socket: wait for one to end.")
            return
        request = self._requests[frame.requestId] = _Request()
        request.task = asyncio.create_task(self._serve(frame, request), name=f"request {frame.type}")

    async def _serve(self, frame: Send | Resume, request: _Request) -> None:
        try:
            await self._answer(frame, request)
        except RequestError as error:
            await self._refuse(frame.requestId, error)
        except TransientError as error:
            log.warning("cannot serve a request now", reason=str(error))
            await self._error(frame.requestId, _AWAY)
        except _SlowSocketError:
            log.info("socket takes nothing and is dropped")
            await self._close(TRY_AGAIN_LATER, "too slow")
        except (WebSocketDisconnect, RuntimeError):
            # Starlette raises RuntimeError on a socket that is closed already.
            return
        finally:
            self._requests.pop(frame.requestId, None)

    async def _answer(self, frame: Send | Resume, request: _Request) -> None:
        traceparent = next((value for name, value in frame.headers.items() if name.lower() == "traceparent"), None)
        with continue_trace(traceparent):
            principal = await self.chat.verifier.verify(bearer_token(frame.authorization))
            self._authenticated.set()
            if isinstance(frame, Send):
                await self._send(frame, request, principal)
            else:
                await self._resume(frame, request, principal)

    async def _send(self, frame: Send, request: _Request, principal: Principal) -> None:
        turn = turn_of(frame, principal, clock=self.chat.clock)
        request.log = self._log_of(turn.session_id, turn.answer_id)
        async with self.chat.reader.read(request.log) as reading:
            if request.aborted:
                return
            await ask(turn, questions=self.chat.questions, max_backlog=self.chat.settings.max_backlog)
            await self._relay(reading, frame, turn.session_id, turn.answer_id)

    async def _resume(self, frame: Resume, request: _Request, principal: Principal) -> None:
        session_id = session_of(frame.id, principal)
        answer_id = await self.chat.stored.active(session_id, authorization=frame.authorization or "")
        if answer_id is None:
            await self._send_json({"type": "no-active", "requestId": frame.requestId})
            return
        request.log = self._log_of(session_id, answer_id)
        if request.aborted:
            await cancel(self.chat.redis, request.log)
        await self._send_json({"type": "start", "requestId": frame.requestId})
        async with self.chat.reader.read(request.log) as reading:
            await self._relay(reading, frame, session_id, answer_id, after_sequence=frame.lastSequence)

    async def _relay(
        self,
        reading: Reading,
        frame: Send | Resume,
        session_id: UUID,
        answer_id: UUID,
        *,
        after_sequence: int | None = None,
    ) -> None:
        sequence = -1

        async def send(chunk: Chunk) -> None:
            nonlocal sequence
            sequence += 1
            if after_sequence is None or sequence > after_sequence:
                reply = {"type": "chunk", "requestId": frame.requestId, "sequence": sequence, "chunk": chunk}
                await self._send_json(reply)

        with log_context(session_id=session_id, answer_id=answer_id):
            await relay(
                reading,
                session_id=session_id,
                answer_id=answer_id,
                send=send,
                stored=self.chat.stored,
                authorization=frame.authorization or "",
            )
        await self._send_json({"type": "end", "requestId": frame.requestId})

    def _log_of(self, session_id: UUID, answer_id: UUID) -> LogName:
        return LogName(partition_of(session_id, self.chat.partitions), answer_id)

    async def _abort(self, request_id: str) -> None:
        request = self._requests.get(request_id)
        if request is None:
            return
        request.aborted = True
        if request.log is not None:
            with suppress(TransientError):
                await cancel(self.chat.redis, request.log)

    async def _refuse(self, request_id: str, error: RequestError) -> None:
        await self._error(request_id, error.detail)
        if error.status == HTTPStatus.UNAUTHORIZED and not self._authenticated.is_set():
            await self._close(NOT_AUTHENTICATED, "not authenticated")

    async def _error(self, request_id: str, text: str) -> None:
        with suppress(RuntimeError, WebSocketDisconnect, _SlowSocketError):
            await self._send_json({"type": "error", "requestId": request_id, "errorText": text})

    async def _send_json(self, reply: dict[str, object]) -> None:
        text = msgspec.json.encode(reply).decode()
        try:
            async with asyncio.timeout(self.chat.settings.send_seconds), self._sending:
                await self.socket.send_text(text)
        except TimeoutError:
            raise _SlowSocketError from None

    async def _close(self, code: int, reason: str) -> None:
        with suppress(RuntimeError):
            await self.socket.close(code, reason)
