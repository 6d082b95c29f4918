"""Patience has an end for those who take nothing, and for nobody else."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest
import uvicorn
from uvicorn.server import ServerState
from websockets.protocol import State

from libs.service.protocols import UNSENT_MAX_BYTES, HttpProtocol, WebSocketProtocol, patient_for

STALL_SECONDS = 20.0


class Timer:
    """A call that is due some time."""

    def __init__(self, seconds: float, call: Callable[[], object]) -> None:
        self.seconds = seconds
        self.call = call
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class HandLoop:
    """A loop whose timers a test lets go off."""

    def __init__(self) -> None:
        self.timers: list[Timer] = []

    def call_later(self, seconds: float, call: Callable[..., object], *args: Any) -> Timer:
        self.timers.append(Timer(seconds, lambda: call(*args)))
        return self.timers[-1]

    def let_go_off(self, seconds: float) -> None:
        """The timers that were set for this time."""
        due = [timer for timer in self.timers if timer.seconds == seconds and not timer.cancelled]
        self.timers = [timer for timer in self.timers if timer not in due]
        for timer in due:
            timer.call()


class HandTransport(asyncio.Transport):
    """A client that takes what a test says."""

    def __init__(self) -> None:
        super().__init__()
        self.unsent = 0
        self.aborted = False

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self.aborted:
            raise RuntimeError("unable to perform operation, as uvloop says")
        self.unsent += len(data)

    def is_closing(self) -> bool:
        return self.aborted

    def close(self) -> None:
        """Waits for the client to take the rest, which is not yet."""

    def abort(self) -> None:
        self.aborted = True


async def _app(scope: Any, receive: Any, send: Any) -> None:
    """Nobody gets so far."""


@pytest.fixture
def loop() -> HandLoop:
    return HandLoop()


@pytest.fixture
def transport() -> HandTransport:
    return HandTransport()


@pytest.fixture(params=[0, 1], ids=["http", "websocket"])
def protocol(
    request: pytest.FixtureRequest, loop: HandLoop, transport: HandTransport
) -> HttpProtocol | WebSocketProtocol:
    kind = patient_for(STALL_SECONDS)[request.param]
    config = uvicorn.Config(_app, log_config=None)
    made = kind(config, ServerState(), {}, cast("asyncio.AbstractEventLoop", loop))
    made.connection_made(transport)
    return made


def test_who_takes_nothing_is_cut_off(protocol: WebSocketProtocol, loop: HandLoop, transport: HandTransport) -> None:
    """The buffer is full and stays as full as it is."""
    transport.unsent = 70_000
    protocol.pause_writing()
    assert not transport.aborted

    loop.let_go_off(STALL_SECONDS)
    assert transport.aborted


def test_who_takes_a_little_may_go_on(protocol: WebSocketProtocol, loop: HandLoop, transport: HandTransport) -> None:
    """However slowly; until the client takes nothing more."""
    transport.unsent = 70_000
    protocol.pause_writing()
    for _ in range(5):
        transport.unsent -= 1_000
        loop.let_go_off(STALL_SECONDS)
        assert not transport.aborted

    loop.let_go_off(STALL_SECONDS)
    assert transport.aborted


def test_who_has_taken_it_is_left_alone(protocol: WebSocketProtocol, loop: HandLoop, transport: HandTransport) -> None:
    """Nothing waits, nothing is timed."""
    transport.unsent = 70_000
    protocol.pause_writing()
    protocol.resume_writing()

    loop.let_go_off(STALL_SECONDS)
    assert not transport.aborted


def test_nothing_is_timed_for_who_is_gone(
    protocol: WebSocketProtocol, loop: HandLoop, transport: HandTransport
) -> None:
    """No timer keeps a lost connection in memory."""
    transport.unsent = 70_000
    protocol.pause_writing()
    protocol.connection_lost(ConnectionResetError())

    assert all(timer.cancelled for timer in loop.timers)


def test_pings_are_answered_to_those_who_read(loop: HandLoop, transport: HandTransport) -> None:
    """Nobody waits for pongs to be taken, so there must be a bound."""
    config = uvicorn.Config(_app, log_config=None)
    protocol = WebSocketProtocol(config, ServerState(), {}, cast("asyncio.AbstractEventLoop", loop))
    protocol.connection_made(transport)
    transport.unsent = UNSENT_MAX_BYTES
    protocol.handle_ping()
    assert not transport.aborted

    transport.unsent += 1
    protocol.handle_ping()
    assert transport.aborted


def test_who_is_gone_is_not_told_that_the_process_stops(loop: HandLoop, transport: HandTransport) -> None:
    """It left while others were told; those that are still there get their turn."""
    config = uvicorn.Config(_app, log_config=None)
    protocol = WebSocketProtocol(config, ServerState(), {}, cast("asyncio.AbstractEventLoop", loop))
    protocol.connection_made(transport)
    protocol.handshake_complete, protocol.conn.state = True, State.OPEN
    transport.abort()

    protocol.shutdown()

    assert transport.unsent == 0
