"""Simulated clients: impatient, forgetful, on bad networks; each remembers everything it saw."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Literal
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from deploy.local.transcript import Transcript
from libs.contracts.ids import session_uuid, turn_ids
from tests.fault.cluster import Caller
from tests.fault.model import question_named

_LOST = (ConnectionClosed, InvalidHandshake, OSError, TimeoutError, EOFError)
PAUSE_SECONDS = 0.1
MOST_DROPS = 3
SILENCE_SECONDS = 45.0
"""Longer than the gateway takes to give a question back."""

Ending = Literal["end", "error", "no-active", "lost"]


@dataclass
class View:
    """One request and everything that came back.

    Attributes:
        chunks: as they came, with their sequence; before them those of the view that this one goes on from.
        cursor: of the last chunk.
        error: what a client would show.
        cancelled_at: when the abort was sent.
        came_at: when each chunk came that came through this request.
        accepted_at: when the client was told that its question is stored.
    """

    how: str
    gateway: str
    asked_at: float
    chunks: list[tuple[int, Mapping[str, Any]]] = field(default_factory=list)
    cursor: str = ""
    ending: Ending = "lost"
    error: str = ""
    cancelled_here: bool = False
    cancelled_at: float = 0.0
    came_at: list[float] = field(default_factory=list)
    accepted_at: float | None = None

    @property
    def answer_id(self) -> str:
        """Whose answer it was; empty when nothing came."""
        return next((chunk["messageId"] for _, chunk in self.chunks if chunk["type"] == "start"), "")

    def transcript(self) -> Transcript:
        """What its client shows at the end."""
        transcript = Transcript()
        for _, chunk in self.chunks:
            transcript.apply(chunk)
        return transcript

    def texts(self) -> list[str]:
        """Every text its client has shown at its longest: of the attempts that came to nothing, and the last."""
        transcript, shown = Transcript(), []
        for _, chunk in self.chunks:
            before = transcript.text
            transcript.apply(chunk)
            if before and not transcript.text:
                shown.append(before)
        return [*shown, transcript.text]


@dataclass
class Message:
    """A question and every view of its answer.

    Attributes:
        wanted_cancel: an abort was sent; it may have come too late or not at all.
        outcome: how it must end, where a row says so.
        again: the id of the request that wants another answer to a question which has one; empty for the first.
    """

    session: str
    message_id: str
    question: str
    caller: Caller
    sent_at: float = 0.0
    views: list[View] = field(default_factory=list)
    wanted_cancel: bool = False
    outcome: str = ""
    again: str = ""

    @property
    def answer_id(self) -> str:
        """What its answer must be called: the ids are worked out, so that a repeated question finds the same answer."""
        session = session_uuid(self.session, self.caller.principal)
        key = f"{self.message_id}/{self.again}" if self.again else self.message_id
        return str(turn_ids(session, self.caller.principal, key).answer_id)

    @property
    def accepted_at(self) -> float | None:
        """When a client first knew that it is stored."""
        told = [view.accepted_at for view in self.views if view.answer_id == self.answer_id and view.accepted_at]
        return min(told, default=None)


@dataclass(frozen=True)
class Habits:
    """How clients behave; probabilities unless said otherwise.

    Attributes:
        drops: a connection is lost in mid-answer.
        resumes: who comes back asks for the answer under way; the others send their question again.
        continues: who resumes says which chunk it has, where that can be said.
        repeats: the same question is sent a second time, over another socket.
        cancels: the client changes its mind in mid-answer.
        submissions: so many sockets ask the same question in any case.
        second_message: a session asks again before it is answered.
        words: of an answer, at least and at most.
        agains: another answer to the last question is asked for when all have ended, twice at once.
    """

    drops: float = 0.3
    resumes: float = 0.5
    continues: float = 0.3
    repeats: float = 0.25
    cancels: float = 0.08
    submissions: int = 1
    second_message: float = 0.5
    words: tuple[int, int] = (10, 60)
    agains: float = 0.0


class Client:
    """One person with one session.

    Args:
        sockets: gives the addresses of the chat socket by the gateways' names; any of them will do.
        caller: who it is.
        habits: how it behaves.
        rng: decides; the same seed decides the same.
    """

    def __init__(self, sockets: Callable[[], Mapping[str, str]], caller: Caller, habits: Habits, rng: Random) -> None:
        self._sockets = sockets
        self.caller = caller
        self._habits = habits
        self._rng = rng
        self._is_alone = True
        self.messages: list[Message] = []

    async def chat(self) -> None:
        """One message or two quick ones; returns when every view has come to its end."""
        session, number = f"s-{uuid4().hex}", 1 + (self._rng.random() < self._habits.second_message)
        self._is_alone = number == 1
        async with asyncio.TaskGroup() as tasks:
            for n in range(number):
                words = self._rng.randint(*self._habits.words)
                question = question_named(uuid4().hex[:12], words=words)
                message = Message(session, f"m{n}", question, self.caller)
                self.messages.append(message)
                tasks.create_task(self.follow(message))
                for _ in range(1, self._habits.submissions):
                    tasks.create_task(self.follow(message, delay_seconds=self._rng.uniform(0.0, 0.2)))
                if self._rng.random() < self._habits.repeats:
                    tasks.create_task(self.follow(message, delay_seconds=self._rng.random()))
                await asyncio.sleep(self._rng.uniform(0.0, 0.1))
        if self._habits.agains and self._rng.random() < self._habits.agains:
            await self._ask_again(self.messages[-1])

    async def _ask_again(self, answered: Message) -> None:
        self._is_alone = False
        again = replace(answered, views=[], sent_at=0.0, wanted_cancel=False, again=uuid4().hex)
        self.messages.append(again)
        async with asyncio.TaskGroup() as tasks:
            for delay_seconds in (0.0, self._rng.uniform(0.0, 0.2)):
                tasks.create_task(self.follow(again, delay_seconds=delay_seconds))

    async def follow(self, message: Message, *, delay_seconds: float = 0.0) -> None:
        """Ask, and come back until the answer has ended."""
        await asyncio.sleep(delay_seconds)
        cancel_at = self._rng.randint(0, 40) if self._rng.random() < self._habits.cancels else None
        how, drops, after = "send", 0, None
        while True:
            drop_at = None
            if drops < MOST_DROPS and self._rng.random() < self._habits.drops:
                drops, drop_at = drops + 1, self._rng.randint(0, 40)
            view = await self.look(message, how, drop_at=drop_at, cancel_at=cancel_at, after=after)
            if view.ending == "end" and view.answer_id in {"", message.answer_id}:
                return
            if view.cancelled_here:
                cancel_at = None
            comes_back = view.ending == "lost" and self._rng.random() < self._habits.resumes
            how = "resume" if comes_back else "send"
            # A resume names a session: only where one answer can be meant does a sequence number say where to go on.
            continues = comes_back and self._is_alone and self._rng.random() < self._habits.continues
            after = view if continues and view.answer_id else None
            await asyncio.sleep(self._rng.uniform(0, 2 * PAUSE_SECONDS))

    async def look(
        self,
        message: Message,
        how: str,
        *,
        drop_at: int | None = None,
        cancel_at: int | None = None,
        after: View | None = None,
        gateway: str | None = None,
    ) -> View:
        """One request on a socket of its own.

        Args:
            message: whose answer.
            how: `send` or `resume`.
            drop_at: the connection is lost after so many chunks.
            cancel_at: an abort is sent after so many chunks.
            after: go on from what this view has.
            gateway: which one; any, when not given.
        """
        sockets = self._sockets()
        name = gateway or self._rng.choice(sorted(sockets))
        view = View(how, name, time.time())
        message.views.append(view)
        message.sent_at = message.sent_at or view.asked_at
        if after is not None:
            view.chunks.extend(after.chunks)
            view.cursor = after.cursor
        try:
            async with asyncio.timeout(SILENCE_SECONDS):
                socket = await connect(sockets[name], proxy=None, compression=None, open_timeout=10.0)
            try:
                await self._read(socket, message, view, drop_at=drop_at, cancel_at=cancel_at, goes_on=after is not None)
            finally:
                socket.transport.abort()
        except _LOST:
            view.ending = "lost"
        return view

    async def _read(
        self,
        socket: ClientConnection,
        message: Message,
        view: View,
        *,
        drop_at: int | None,
        cancel_at: int | None,
        goes_on: bool,
    ) -> None:
        request_id = message.again if message.again and view.how == "send" else uuid4().hex
        await socket.send(json.dumps(_request(message, view, request_id, goes_on=goes_on)))
        came = 0
        while True:
            # A resumed session may show its other answer: nobody cancels what they did not mean.
            is_ours = view.how == "send" or view.answer_id == message.answer_id
            if cancel_at is not None and came >= cancel_at and is_ours and not view.cancelled_here:
                view.cancelled_here = message.wanted_cancel = True
                view.cancelled_at = time.time()
                await socket.send(json.dumps({"type": "abort", "requestId": request_id}))
            if drop_at is not None and came >= drop_at:
                return
            async with asyncio.timeout(SILENCE_SECONDS):
                frame = json.loads(await socket.recv())
            match frame["type"]:
                case "chunk":
                    came += 1
                    view.came_at.append(time.time())
                    if frame["sequence"] == 0:
                        # From the beginning: what it had was of attempts that Redis has forgotten.
                        view.chunks.clear()
                    view.chunks.append((frame["sequence"], frame["chunk"]))
                    view.cursor = frame["cursor"]
                    if view.accepted_at is None and frame["chunk"]["type"] == "data-status":
                        view.accepted_at = time.time()
                case "end" | "no-active":
                    view.ending = frame["type"]
                    return
                case "error":
                    view.ending, view.error = "error", frame["errorText"]
                    return


def _request(message: Message, view: View, request_id: str, *, goes_on: bool) -> dict[str, Any]:
    headers = {"authorization": f"Bearer {message.caller.token}"}
    common: dict[str, Any] = {"requestId": request_id, "id": message.session, "headers": headers}
    if view.how == "send":
        part = {"type": "text", "text": message.question}
        trigger = "regenerate-message" if message.again else "submit-message"
        asked = {"id": message.message_id, "role": "user", "parts": [part]}
        return {"type": "send", **common, "trigger": trigger, "messages": [asked]}
    if goes_on and view.chunks:
        common |= {"messageId": view.answer_id, "cursor": view.cursor}
    return {"type": "resume", **common}
