"""One `send` or `resume` of a socket: from its frame to the last chunk."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

import structlog

from gateway.admission import Admission
from gateway.ask import ask, session_of, turn_of
from gateway.client_frames import Resume, Send
from gateway.cursor import Numbered, Numbering
from gateway.keys import DoorKeeper
from gateway.metrics import FIRST_DELTA_SECONDS
from gateway.ports import Memory, Questions, StoredAnswer, StoredAnswers
from gateway.queue import Place
from gateway.relay import Relay
from gateway.settings import GatewaySettings
from gateway.ui_stream import Chunk, rate_limits
from libs.answers.cancel import cancel
from libs.answers.names import LogName
from libs.answers.reader import AnswerReader, Reading
from libs.auth.http import credential, require_scope
from libs.bus.connection import Redis
from libs.clock import Clock
from libs.contracts.ids import partition_of
from libs.contracts.values import Principal
from libs.telemetry.logs import log_context
from libs.telemetry.spans import Span, arrival, caller
from libs.telemetry.tracing import here
from libs.telemetry.troubles import Trouble

log = structlog.get_logger()

AWAY = "cannot serve a request now"

Reply = Callable[[dict[str, object]], Awaitable[None]]


@dataclass(frozen=True)
class Chat:
    """What all sockets of a process share.

    Attributes:
        away: what requests meet that cannot be served now.
        history_away: what readers meet whose answer's row cannot be asked for.
    """

    keeper: DoorKeeper
    questions: Questions
    reader: AnswerReader
    stored: StoredAnswers
    asked: Memory
    admission: Admission
    redis: Redis
    partitions: int
    settings: GatewaySettings
    clock: Clock
    away: Trouble = field(default_factory=partial(Trouble, log, begins=AWAY, ends="requests are served again"))
    history_away: Trouble = field(
        default_factory=partial(Trouble, log, begins="history is away, reading waits", ends="history is asked again")
    )


class _AbandonedError(Exception):
    """The client aborted before it could know which answer it would get."""


class ChatRequest:
    """Runs once; may be aborted at any time.

    Args:
        chat: what all sockets share.
        frame: what the client wants.
        address: of the client, as it is counted.
        reply: sends a frame to the client.
        place: where a question stands among those of its session.
        on_authenticated: called when the frame's token is valid.
    """

    def __init__(
        self,
        chat: Chat,
        frame: Send | Resume,
        *,
        address: str,
        reply: Reply,
        place: Place,
        on_authenticated: Callable[[], None],
    ) -> None:
        self._chat = chat
        self._frame = frame
        self._address = address
        self._reply = reply
        self._place = place
        self._on_authenticated = on_authenticated
        self._authorization = ""
        self._log: LogName | None = None
        self._span = Span()
        self._aborted = False
        self._is_meant = isinstance(frame, Send)
        self._came_at = time.perf_counter()
        self._waits_for_text = False

    async def run(self) -> None:
        """Serve it to the end.

        Raises:
            RequestError: it cannot be served; the client is told why.
            TransientError: something we need does not answer.
        """
        above = caller({name.lower(): value for name, value in self._frame.headers.items()})
        with arrival(f"chat {self._frame.type}", "server", above or here(), trusted=above is None) as self._span:
            secret = credential(self._frame.authorization, self._frame.api_key)
            principal = await self._chat.keeper.verify(secret, address=self._address)
            require_scope(principal, "chat")
            self._authorization = f"Bearer {secret}"
            self._on_authenticated()
            if isinstance(self._frame, Send):
                await self._send(self._frame, principal)
            else:
                try:
                    await self._resume(self._frame, principal)
                except _AbandonedError:
                    await self._reply({"type": "end", "requestId": self._frame.requestId})

    async def abort(self) -> None:
        """Cancel the answer for good, wherever it is read or written; the request ends as the answer does.

        Whoever resumes names a session, whose next answer may have begun by then: until the client has named the
        answer, or was sent something of it, the request ends and no answer does.

        Raises:
            TransientError: Redis does not answer; the answer goes on.
        """
        self._aborted = True
        if self._log is not None and self._is_meant:
            await cancel(self._chat.redis, self._log)

    async def _send(self, frame: Send, principal: Principal) -> None:
        chat = self._chat
        turn = turn_of(frame, principal, clock=chat.clock)
        with log_context(session_id=turn.session_id, answer_id=turn.answer_id):
            log_name = await self._attach(turn.session_id, turn.answer_id)
            async with chat.reader.read(log_name) as reading:
                await self._place.wait()
                if self._aborted:
                    # Nobody shall begin what nobody waits for; what had begun is cancelled.
                    await self._reply({"type": "end", "requestId": frame.requestId})
                    return
                self._waits_for_text = await ask(
                    turn,
                    address=self._address,
                    questions=chat.questions,
                    asked=chat.asked,
                    admission=chat.admission,
                    max_backlog=chat.settings.max_backlog,
                )
                instead = await self._relay(reading, principal, turn.session_id, turn.answer_id)
            if instead is not None:
                await self._read_instead(principal, turn.session_id, instead)

    async def _read_instead(self, principal: Principal, session_id: UUID, answer_id: UUID) -> None:
        """The question was asked before its session changed hands, so its answer has another id."""
        with log_context(answer_id=answer_id):
            log_name = await self._attach(session_id, answer_id)
            async with self._chat.reader.read(log_name) as reading:
                await self._relay(reading, principal, session_id, answer_id, is_old=True)

    async def _resume(self, frame: Resume, principal: Principal) -> None:
        chat = self._chat
        session_id = session_of(frame.id, principal)
        await chat.admission.count_request(principal, self._address)
        answer_id = await chat.stored.active(session_id, authorization=self._authorization)
        if answer_id is None:
            answer_id = await chat.asked.recall(session_id, principal.user_id)
        if answer_id is None:
            await self._reply({"type": "no-active", "requestId": frame.requestId})
            return
        self._is_meant = frame.messageId == str(answer_id)
        with log_context(session_id=session_id, answer_id=answer_id):
            log_name = await self._attach(session_id, answer_id)
            await self._reply({"type": "start", "requestId": frame.requestId})
            async with chat.reader.read(log_name) as reading:
                await self._relay(reading, principal, session_id, answer_id, after=frame.cursor)

    async def _attach(self, session_id: UUID, answer_id: UUID) -> LogName:
        if self._span.is_recorded:
            self._span.say("gen_ai.conversation.id", str(session_id))
            self._span.say("eloquent.answer_id", str(answer_id))
        self._log = LogName(partition_of(session_id, self._chat.partitions), answer_id)
        if self._aborted:
            if not self._is_meant:
                raise _AbandonedError
            await cancel(self._chat.redis, self._log)
        return self._log

    async def _relay(
        self,
        reading: Reading,
        principal: Principal,
        session_id: UUID,
        answer_id: UUID,
        *,
        after: str | None = None,
        is_old: bool = False,
    ) -> UUID | None:
        request_id, chat = self._frame.requestId, self._chat
        admission = chat.admission
        # While the question is on its way: the client hears of it behind the first chunk.
        standing = await admission.standing_of(principal)

        async def reply(numbered: Numbered) -> None:
            await self._reply({"type": "chunk", "requestId": request_id, **numbered._asdict()})

        numbering = Numbering(answer_id, after=after, send=reply)

        async def send(chunk: Chunk, attempt: str) -> None:
            if self._aborted and not self._is_meant:
                raise _AbandonedError
            self._is_meant = True
            # The first chunk of an answer says that its question is stored.
            self._place.pass_on()
            await numbering.number(chunk, attempt)
            if self._waits_for_text and chunk["type"] == "text-delta":
                self._waits_for_text = False
                FIRST_DELTA_SECONDS.observe(time.perf_counter() - self._came_at)
            if chunk["type"] == "start":
                # Here in every reading, so that all number the same chunks alike.
                await numbering.number(rate_limits(standing), attempt)

        async def row() -> StoredAnswer | None:
            return await chat.stored.read(session_id, answer_id, authorization=self._authorization)

        relay = Relay(
            answer_id, send=send, row=row, untaken_seconds=chat.settings.untaken_seconds, away=chat.history_away
        )
        # An old answer's log may have expired: nothing would ever come.
        instead = None if is_old and await relay.replay() else await relay.run(reading)
        await admission.release(principal, session_id, answer_id)
        if instead is not None:
            return instead
        await numbering.finish()
        await self._reply({"type": "end", "requestId": request_id})
        return None
