"""The one subscriber connection of a process: one task owns it and reads it, others only ask it to listen.

A PubSub object shared by several tasks hangs in a reconnect; a raw connection with one reader does not.
"""

import asyncio
import math
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import structlog
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from libs.bus.connection import Redis
from libs.tasks import end_tasks

log = structlog.get_logger()

RECONNECT_SECONDS = 0.1
PING_SECONDS = 5.0
SILENCE_SECONDS = 12.0
"""A connection that does not even answer pings for so long is dead."""

MESSAGE_PARTS = 3
OPTIONS: dict[str, Any] = {
    # A push of RESP3 would go through redis-py's own handlers.
    "protocol": 2,
    # The loop around the connection is the retry, and its pings are the timeout.
    "retry": Retry(NoBackoff(), 0),
    "retry_on_error": [],
    "socket_timeout": None,
}

Listener = Callable[[bytes | None], None]
"""Called with every message of a channel, and with None when messages may have been missed."""


class Subscriber:
    """Listens to channels, across reconnects; an async context manager.

    Args:
        redis: whose server to listen to; a connection of its own is made.
    """

    def __init__(self, redis: Redis) -> None:
        self._pool = redis.connection_pool
        self._listeners: dict[bytes, set[Listener]] = {}
        self._confirmed: dict[bytes, asyncio.Event] = {}
        self._outbox: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._heard_at = 0.0

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run_forever(), name="answer subscriber")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await end_tasks(self._task)

    def alive(self) -> bool:
        """Whether the owning task runs."""
        return self._task is not None and not self._task.done()

    async def listen(self, channel: str, listener: Listener) -> None:
        """From the return on, every message of the channel reaches the listener."""
        name = channel.encode()
        listeners = self._listeners.setdefault(name, set())
        listeners.add(listener)
        if len(listeners) == 1:
            self._confirmed[name] = asyncio.Event()
            self._outbox.put_nowait(("SUBSCRIBE", name))
        await self._confirmed[name].wait()

    def leave(self, channel: str, listener: Listener) -> None:
        """The listener is not called again."""
        name = channel.encode()
        listeners = self._listeners.get(name, set())
        listeners.discard(listener)
        if not listeners and self._listeners.pop(name, None) is not None:
            self._confirmed.pop(name, None)
            self._outbox.put_nowait(("UNSUBSCRIBE", name))

    async def _run_forever(self) -> None:
        while True:
            try:
                await self._run()
            # A transport of uvloop that was reset says so with a bare RuntimeError.
            except* (RedisError, OSError, TimeoutError, RuntimeError) as errors:
                log.warning("subscriber lost its connection", error=type(errors.exceptions[0]).__name__)
            # Until it is subscribed again nobody may rely on live messages: those who listen look into their logs.
            for name in self._confirmed:
                self._confirmed[name].clear()
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _run(self) -> None:
        connection = self._pool.connection_class(**{**self._pool.connection_kwargs, **OPTIONS})
        try:
            await connection.connect()  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
            self._heard_at = time.monotonic()
            while not self._outbox.empty():
                self._outbox.get_nowait()
            if self._listeners:
                await connection.send_command("SUBSCRIBE", *self._listeners, check_health=False)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._send(connection))
                tasks.create_task(self._receive(connection))
        finally:
            await connection.disconnect(nowait=True)

    async def _send(self, connection: Any) -> None:
        while True:
            try:
                async with asyncio.timeout(PING_SECONDS):
                    command, name = await self._outbox.get()
            except TimeoutError:
                if time.monotonic() - self._heard_at > SILENCE_SECONDS:
                    raise TimeoutError("the subscriber connection is silent") from None
                await connection.send_command("PING", check_health=False)
                continue
            # A channel may have been left and entered again since it was asked for: what counts is now.
            if (command == "SUBSCRIBE") == (name in self._listeners):
                await connection.send_command(command, name, check_health=False)

    async def _receive(self, connection: Any) -> None:
        while True:
            reply = await connection.read_response(disable_decoding=True, timeout=math.inf)
            self._heard_at = time.monotonic()
            if len(reply) != MESSAGE_PARTS:
                continue  # a pong
            kind, name, payload = reply
            if kind == b"message":
                for listener in tuple(self._listeners.get(name, ())):
                    listener(payload)
            elif kind == b"subscribe" and name in self._confirmed:
                self._confirmed[name].set()
                for listener in tuple(self._listeners.get(name, ())):
                    listener(None)
