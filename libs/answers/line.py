"""One connection that listens to channels of one server: one task owns it and reads it, others only ask it to listen.

A PubSub object shared by several tasks hangs in a reconnect; a raw connection with one reader does not.
"""

import asyncio
import math
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Protocol

import structlog
from redis.exceptions import ConnectionError, RedisError  # noqa: A004

from libs.telemetry.troubles import Trouble

log = structlog.get_logger()

RECONNECT_SECONDS = 0.1
PING_SECONDS = 5.0
SILENCE_SECONDS = 12.0
"""A connection that does not even answer pings for so long is dead."""

MESSAGE_PARTS = 3


class Ears(Protocol):
    """Whom a line tells what it hears."""

    def heard(self, channel: bytes, message: bytes) -> None:
        """A message was published."""
        ...

    def confirmed(self, channel: bytes) -> None:
        """From here on every message of the channel is heard."""
        ...

    async def lost(self, line: "Line") -> None:
        """Its channels are not heard, and may live elsewhere now: those that do are taken off the line.

        Raises:
            RedisError: where they live is not to be known; they stay.
        """
        ...


class Line:
    """Listens to one server's channels until it is cancelled, or has lost its connection and has none left.

    Args:
        connect: makes a connection, which is opened here.
        ears: whom to tell.
    """

    def __init__(self, node: str, connect: Callable[[], Any], ears: Ears) -> None:
        self.node = node
        self.channels: set[bytes] = set()
        self._connect = connect
        self._ears = ears
        self._outbox: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()
        self._leaving: Counter[bytes] = Counter()
        self._loss = Trouble(log, begins="subscriber lost its connection", ends="subscriber is connected again")
        self._heard_at = 0.0

    def enter(self, channel: bytes) -> None:
        """Listen to this channel; `Ears.confirmed` says since when."""
        self.channels.add(channel)
        self._outbox.put_nowait(("SSUBSCRIBE", channel))

    def leave(self, channel: bytes) -> None:
        """Listen to it no longer."""
        self.channels.discard(channel)
        self._outbox.put_nowait(("SUNSUBSCRIBE", channel))

    async def run(self) -> None:
        """Returns when its connection was lost and nobody wants it again."""
        while True:
            try:
                await self._listen()
            # A transport of uvloop that was reset says so with a bare RuntimeError.
            except* (RedisError, OSError, TimeoutError, RuntimeError) as errors:
                self._loss.noticed(error=type(errors.exceptions[0]).__name__)
            try:
                await self._ears.lost(self)
            except RedisError as error:
                self._loss.noticed(error=type(error).__name__)
            if not self.channels:
                return
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _listen(self) -> None:
        connection = self._connect()
        try:
            await connection.connect()
            self._loss.over()
            self._heard_at = time.monotonic()
            while not self._outbox.empty():
                self._outbox.get_nowait()
            self._leaving.clear()
            if self.channels:
                # One command each: those of one would all have to be of one slot.
                commands = [("SSUBSCRIBE", channel) for channel in self.channels]
                await connection.send_packed_command(connection.pack_commands(commands), check_health=False)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._send(connection))
                tasks.create_task(self._receive(connection))
        finally:
            await connection.disconnect(nowait=True)

    async def _send(self, connection: Any) -> None:
        while True:
            try:
                async with asyncio.timeout(PING_SECONDS):
                    command, channel = await self._outbox.get()
            except TimeoutError:
                if time.monotonic() - self._heard_at > SILENCE_SECONDS:
                    raise TimeoutError("the subscriber connection is silent") from None
                await connection.send_command("PING", check_health=False)
                continue
            # A channel may have been left and entered again since it was asked for: what counts is now.
            if (command == "SSUBSCRIBE") == (channel in self.channels):
                self._leaving[channel] += command == "SUNSUBSCRIBE"
                await connection.send_command(command, channel, check_health=False)

    async def _receive(self, connection: Any) -> None:
        while True:
            reply = await connection.read_response(disable_decoding=True, timeout=math.inf)
            self._heard_at = time.monotonic()
            if len(reply) != MESSAGE_PARTS:
                continue  # a pong
            kind, channel, payload = reply
            if kind == b"smessage":
                self._ears.heard(channel, payload)
            elif kind == b"ssubscribe" and channel in self.channels:
                self._ears.confirmed(channel)
            elif kind == b"sunsubscribe":
                self._left(channel)

    def _left(self, channel: bytes) -> None:
        if not self._leaving[channel] and channel in self.channels:
            # Nobody asked for it: its slot has moved to another node.
            raise ConnectionError("a channel has moved")
        self._leaving[channel] -= 1
        if self._leaving[channel] <= 0:
            del self._leaving[channel]
