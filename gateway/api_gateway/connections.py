"""The connections of API Gateway whose conversations are here, and what becomes of those of a gateway that died."""

import asyncio
from contextlib import AsyncExitStack, suppress
from types import TracebackType
from typing import Self

import structlog
from prometheus_client import Counter

from gateway.api_gateway.management import ManagementApi
from gateway.api_gateway.posted import PostedConnection
from gateway.api_gateway.registry import CONNECTION_LIFE_MILLISECONDS, LEASE_MILLISECONDS, Kind, Registry
from gateway.conversation import TOO_MANY, Conversation
from gateway.limits import SocketCount
from gateway.metrics import SOCKETS
from gateway.request import Chat
from libs.errors import TransientError
from libs.service.drain import pauses
from libs.tasks import repeating

log = structlog.get_logger()

RENEW_SECONDS = 2.0
GOING_AWAY = 1012
HANDED = Counter("gateway_callbacks_handed_total", "Callbacks that another gateway was given", ["outcome"])
for outcome in ("taken", "dead", "full"):
    HANDED.labels(outcome)


class Connections:
    """An async context manager; at its end every connection is closed, so that clients resume over another gateway.

    Whoever is called for `$connect` has the conversation; callbacks for it that reach others are put into its inbox on
    Redis. A connection whose owner is dead, or that nobody knows, is closed: its client comes again and resumes by its
    cursor, as after the death of a gateway that it had a socket to.

    Args:
        chat: what all connections share.
        management: posts; it is opened and closed here.
        registry: who has which connection.
        sockets: counts these as well.
    """

    def __init__(self, chat: Chat, management: ManagementApi, registry: Registry, sockets: SocketCount) -> None:
        self._chat = chat
        self._management = management
        self._registry = registry
        self._sockets = sockets
        self._here: dict[str, PostedConnection] = {}
        self._stack = AsyncExitStack()
        self._tasks: asyncio.TaskGroup
        self._reaps_at = 0.0

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._management)
            await self._registry.renew()
            self._tasks = await stack.enter_async_context(asyncio.TaskGroup())
            stack.push_async_callback(self._close_all)
            for work, seconds in ((self._renew, RENEW_SECONDS), (self._reap, RENEW_SECONDS), (self._hear_others, 0.0)):
                await stack.enter_async_context(repeating(work, every_seconds=seconds))
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def open(self, connection_id: str, address: str) -> bool:
        """The connection is this gateway's; False when there are too many.

        Raises:
            TransientError: Redis does not answer, so nobody could find it.
        """
        if not self._sockets.enter(address):
            return False
        try:
            await self._registry.enter(connection_id)
        except BaseException:
            self._sockets.leave(address)
            raise
        SOCKETS.set(self._sockets.open)
        connection = PostedConnection(connection_id, address, self._management)
        self._here[connection_id] = connection
        self._tasks.create_task(self._converse(connection, self._registry.me), name="conversation by callbacks")
        return True

    async def said(self, connection_id: str, text: str) -> None:
        """The client has said this, here or at the gateway that has its conversation; else its connection is closed.

        Raises:
            TransientError: Redis does not answer, or the other gateway has more than it can take.
        """
        await self._pass_on(connection_id, "said", text)

    async def gone(self, connection_id: str) -> None:
        """The client is gone; its answers go on being written.

        Raises:
            TransientError: as `said`.
        """
        await self._pass_on(connection_id, "gone", "")

    async def _pass_on(self, connection_id: str, kind: Kind, text: str) -> None:
        if connection_id in self._here:
            self._hear(connection_id, kind, text)
            return
        owner = await self._registry.owner(connection_id)
        handed = "dead" if owner is None else await self._registry.hand(owner, connection_id, kind, text)
        HANDED.labels(handed).inc()
        if handed == "full":
            raise TransientError("the gateway of this connection takes no more")
        if handed == "dead" and kind == "said":
            self._show_out(connection_id)

    def _hear(self, connection_id: str, kind: Kind, text: str) -> None:
        connection = self._here.get(connection_id)
        if connection is None:
            if kind == "said":
                self._show_out(connection_id)
        elif kind == "gone":
            connection.end()
        elif not connection.hear(text):
            self._tasks.create_task(connection.close(TOO_MANY, "too many frames"))

    def _show_out(self, connection_id: str) -> None:
        self._tasks.create_task(self._management.close(connection_id))

    async def _converse(self, connection: PostedConnection, owner: str) -> None:
        try:
            async with asyncio.timeout(CONNECTION_LIFE_MILLISECONDS / 1000):
                await Conversation(self._chat, connection).run()
        except TimeoutError:
            log.warning("nobody said that a connection has ended")
        except Exception:
            log.exception("unexpected error")
        finally:
            self._here.pop(connection.connection_id, None)
            self._sockets.leave(connection.address)
            SOCKETS.set(self._sockets.open)
            with suppress(TransientError):
                # Else it is forgotten by its own time to live.
                await self._registry.leave(connection.connection_id, owner=owner)

    async def _renew(self) -> None:
        try:
            lives = await self._registry.renew()
        except TransientError:
            # While Redis was away nobody could renew: who looks overdue then may only be as slow as this one.
            self._reaps_at = asyncio.get_running_loop().time() + 2 * LEASE_MILLISECONDS / 1000
            raise
        if not lives:
            log.warning("this gateway was taken for dead, or forgotten, and closes what it has")
            former = list(self._here.values())
            await self._registry.begin_anew()
            await self._close(former, over_seconds=0.0)

    async def _reap(self) -> None:
        if asyncio.get_running_loop().time() < self._reaps_at:
            return
        gateway = await self._registry.dead()
        if gateway is not None:
            orphans = await self._registry.connections(gateway)
            log.warning("a gateway has died", connections=len(orphans))
            async with asyncio.TaskGroup() as tasks:
                for connection_id in orphans:
                    tasks.create_task(self._bury(connection_id, gateway))
            await self._registry.bury(gateway)

    async def _bury(self, connection_id: str, gateway: str) -> None:
        await self._management.close(connection_id)
        await self._registry.leave(connection_id, owner=gateway)

    async def _hear_others(self) -> None:
        callbacks = await self._registry.inbox()
        for callback in callbacks:
            self._hear(callback.connection_id, callback.kind, callback.text)
        if callbacks:
            await self._registry.taken(callbacks)

    async def _close_all(self) -> None:
        await self._close(list(self._here.values()), over_seconds=self._chat.settings.drain_seconds)
        with suppress(TransientError):
            # Else others find it overdue.
            await self._registry.bury(self._registry.me)

    async def _close(self, connections: list[PostedConnection], *, over_seconds: float) -> None:
        async with asyncio.TaskGroup() as tasks:
            for connection, pause in zip(connections, pauses(len(connections), over_seconds), strict=True):
                await asyncio.sleep(pause)
                tasks.create_task(connection.close(GOING_AWAY, "going away"))
