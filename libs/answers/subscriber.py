"""The subscriber connections of a process: one to each server that has a channel somebody listens to."""

import asyncio
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Self

from libs.answers.line import Line
from libs.answers.nodes import nodes_of
from libs.bus.connection import Redis
from libs.tasks import end_tasks

Listener = Callable[[bytes | None], None]
"""Called with every message of a channel, and with None when messages may have been missed."""


class Subscriber:
    """Listens to channels, across reconnects and moves; an async context manager.

    Args:
        redis: whose servers to listen to; connections of its own are made.
    """

    def __init__(self, redis: Redis) -> None:
        self._nodes = nodes_of(redis)
        self._listeners: dict[bytes, set[Listener]] = {}
        self._confirmed: dict[bytes, asyncio.Event] = {}
        self._lines: dict[str, Line] = {}
        self._at: dict[bytes, Line] = {}
        self._tasks: dict[Line, asyncio.Task[None]] = {}
        self._is_open = False

    async def __aenter__(self) -> Self:
        self._is_open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_open = False
        await end_tasks(*self._tasks.values())

    def alive(self) -> bool:
        """Whether what is published can be heard."""
        return self._is_open and not any(task.done() for task in self._tasks.values())

    def listen(self, channel: str, listener: Listener) -> asyncio.Event:
        """From when the event is set on, every message of the channel reaches the listener.

        Raises:
            ConnectionError: no node is known that has this channel.
        """
        name = channel.encode()
        listeners = self._listeners.setdefault(name, set())
        listeners.add(listener)
        if len(listeners) == 1:
            self._confirmed[name] = asyncio.Event()
            self._enter(name)
        return self._confirmed[name]

    def leave(self, channel: str, listener: Listener) -> None:
        """The listener is not called again."""
        name = channel.encode()
        listeners = self._listeners.get(name, set())
        listeners.discard(listener)
        if not listeners and self._listeners.pop(name, None) is not None:
            self._confirmed.pop(name, None)
            if line := self._at.pop(name, None):
                line.leave(name)

    def heard(self, channel: bytes, message: bytes) -> None:
        """As `Ears` says."""
        for listener in tuple(self._listeners.get(channel, ())):
            listener(message)

    def confirmed(self, channel: bytes) -> None:
        """As `Ears` says."""
        if channel in self._confirmed:
            self._confirmed[channel].set()
            for listener in tuple(self._listeners.get(channel, ())):
                listener(None)

    async def lost(self, line: Line) -> None:
        """As `Ears` says."""
        # Until it is subscribed again nobody may rely on live messages: those who listen look into their logs.
        for name in line.channels:
            self._confirmed[name].clear()
        try:
            await self._nodes.look_again()
            for name in tuple(line.channels):
                if self._nodes.of(name) != line.node:
                    line.channels.discard(name)
                    self._enter(name)
        finally:
            if not line.channels:
                self._lines.pop(line.node, None)
                self._tasks.pop(line, None)

    def _enter(self, name: bytes) -> None:
        node = self._nodes.of(name)
        line = self._lines.get(node)
        if line is None:
            line = self._lines[node] = Line(node, partial(self._nodes.connection, node), self)
            self._tasks[line] = asyncio.create_task(line.run(), name=f"answer subscriber {node}".strip())
        self._at[name] = line
        line.enter(name)
