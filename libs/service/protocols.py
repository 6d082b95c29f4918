"""Uvicorn's protocols with an end to patience: nobody holds a connection by sending or taking nothing."""

import asyncio
from typing import Any, Protocol, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import State

HEAD_SECONDS = 10.0
"""Time a client has to send the head of a request, from its first byte or from the connection on."""
BODY_SECONDS = 20.0
BODY_MIN_BYTES = 10 * 1024
"""Of a request's body in `BODY_SECONDS`: the slowest line sends ten times as much."""
LINGER_SECONDS = 15.0
"""A connection that is done and still has not been taken by its client is cut off after so long."""
UNSENT_MAX_BYTES = 128 * 1024
"""Of control frames' answers, which nobody waits for: a client that pings and does not read is cut off."""


class _Writing(Protocol):
    """What `_Patience` is mixed into."""

    transport: asyncio.Transport
    loop: asyncio.AbstractEventLoop


class _Patience(asyncio.Protocol):
    """Cuts off a client that takes nothing of what waits for it; one that takes a little may go on."""

    stall_seconds = 20.0
    _stall: asyncio.TimerHandle | None = None
    _linger: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        """Asyncio's call: the write buffer is full."""
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        """Asyncio's call: the client has taken most of it."""
        super().resume_writing()
        self._forget()

    def connection_lost(self, exc: Exception | None) -> None:
        """Asyncio's call."""
        self._forget()
        if self._linger is not None:
            self._linger.cancel()
        super().connection_lost(exc)

    def cut_off_later(self) -> None:
        """All is said; closing waits for a client that reads, and for no other."""
        here = cast("_Writing", self)
        self._linger = here.loop.call_later(LINGER_SECONDS, here.transport.abort)

    def _watch(self) -> None:
        here = cast("_Writing", self)
        waiting = here.transport.get_write_buffer_size()
        self._stall = here.loop.call_later(self.stall_seconds, self._judge, waiting)

    def _judge(self, waiting: int) -> None:
        here = cast("_Writing", self)
        if here.transport.get_write_buffer_size() < waiting:
            self._watch()
        else:
            here.transport.abort()

    def _forget(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None


class HttpProtocol(_Patience, H11Protocol):
    """HTTP/1.1; a request's head has to come within `HEAD_SECONDS`, its body at a pace, whatever drips."""

    head_seconds = HEAD_SECONDS
    body_seconds = BODY_SECONDS
    _head: asyncio.TimerHandle | None = None
    _body: asyncio.TimerHandle | None = None
    _body_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Asyncio's call."""
        super().connection_made(transport)
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        """Asyncio's call."""
        self._body_bytes += len(data)
        super().data_received(data)
        if self.transport.get_protocol() is not self:
            # A socket from now on, which may say nothing for as long as it likes; nobody tells us when it is gone.
            self._head_came()
            self._body_came()
            return
        if self.conn.their_state is h11.IDLE:
            self._expect_head()
        else:
            self._head_came()
        if self.conn.their_state is not h11.SEND_BODY:
            self._body_came()
        elif self._body is None:
            self._expect_body()

    def connection_lost(self, exc: Exception | None) -> None:
        """Asyncio's call."""
        self._head_came()
        self._body_came()
        super().connection_lost(exc)

    def timeout_keep_alive_handler(self) -> None:
        """Uvicorn's call: no further request came."""
        super().timeout_keep_alive_handler()
        self.cut_off_later()

    def _expect_head(self) -> None:
        if self._head is None:
            self._head = self.loop.call_later(self.head_seconds, self.transport.abort)

    def _head_came(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _expect_body(self) -> None:
        self._body_bytes = 0
        self._body = self.loop.call_later(self.body_seconds, self._judge_body)

    def _judge_body(self) -> None:
        # While the app takes nothing, nothing can come.
        if self._body_bytes < BODY_MIN_BYTES and not self.flow.read_paused:
            self.transport.abort()
        else:
            self._expect_body()

    def _body_came(self) -> None:
        if self._body is not None:
            self._body.cancel()
            self._body = None


class WebSocketProtocol(_Patience, WebSocketsSansIOProtocol):
    """WebSockets; a closed one is gone soon, and a ping is answered only to those who read."""

    def shutdown(self) -> None:
        """Uvicorn's call: the process stops. Who is closing is not told a second time, who is gone not at all.

        A transport that is closed raises: whoever left while others were being told would keep them from being told.
        """
        if self.transport.is_closing() or (self.handshake_complete and self.conn.state is not State.OPEN):
            self.stop_keepalive()
            self.transport.close()
        else:
            super().shutdown()

    def handle_ping(self) -> None:
        """Uvicorn's call."""
        super().handle_ping()
        if self.transport.get_write_buffer_size() > UNSENT_MAX_BYTES:
            self.transport.abort()

    def keepalive_timeout(self) -> None:
        """Uvicorn's call: our ping was not answered."""
        super().keepalive_timeout()
        self.cut_off_later()

    def on_task_complete(self, task: "asyncio.Task[None]") -> None:
        """Uvicorn's call: the app is done with the socket."""
        super().on_task_complete(task)
        if not self.disconnected:
            self.cut_off_later()


def patient_for(stall_seconds: float) -> tuple[type[HttpProtocol], type[WebSocketProtocol]]:
    """Both protocols for clients that take nothing for at most so long."""
    patience: dict[str, Any] = {"stall_seconds": stall_seconds}
    return (
        type("PatientHttpProtocol", (HttpProtocol,), patience),
        type("PatientWebSocketProtocol", (WebSocketProtocol,), patience),
    )
