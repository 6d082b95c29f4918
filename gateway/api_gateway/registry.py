"""Which gateway has which connection, on Redis: any gateway may get any callback, one of them has the conversation."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast
from uuid import uuid4

from libs.bus.connection import AWAY, Redis
from libs.bus.scripts import Script
from libs.errors import TransientError

CONNECTION_LIFE_MILLISECONDS = 130 * 60_000
"""Longer than the two hours that API Gateway keeps a connection."""
LEASE_MILLISECONDS = 10_000
"""A gateway that was not heard of for so long is dead: others close its connections, and clients come again."""
REAP_MILLISECONDS = 30_000
"""Somebody who closes the connections of a dead gateway has so long before another one begins again."""
INBOX_MOST = 1_000
INBOX_BATCH = 50
INBOX_WAIT_MILLISECONDS = 1_000

# One tag, so one slot: a script may touch what belongs together. Only what clients say passes here, no answers.
_LIVING = "callbacks:{c}:living"
_DEAD = "callbacks:{c}:dead"

RENEW = Script("gateway.lua", "renew")
ENTER = Script("gateway.lua", "enter")
LEAVE = Script("gateway.lua", "leave")
HAND = Script("gateway.lua", "hand")
REAP = Script("gateway.lua", "reap")

Kind = Literal["said", "gone"]
Handed = Literal["taken", "dead", "full"]


@dataclass(frozen=True, slots=True)
class Callback:
    """What another gateway was told and this one must know.

    Attributes:
        entry: of the inbox.
        text: what the client said, for the kind `said`.
    """

    entry: bytes
    connection_id: str
    kind: Kind
    text: str


class Registry:
    """One gateway's view. Every method raises TransientError when Redis does not answer.

    Args:
        redis: shared by all gateways.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self.me = uuid4().hex

    async def renew(self) -> bool:
        """This gateway lives; whether nobody has taken it for dead."""
        found = await self._run(RENEW, [_LIVING], [self.me, LEASE_MILLISECONDS, CONNECTION_LIFE_MILLISECONDS])
        return bool(found)

    async def begin_anew(self) -> None:
        """This gateway becomes another one, which has no connections."""
        self.me = uuid4().hex
        await self.renew()

    async def enter(self, connection_id: str) -> None:
        """The connection is this gateway's."""
        keys = [_owner(connection_id), _connections(self.me)]
        await self._run(ENTER, keys, [connection_id, self.me, CONNECTION_LIFE_MILLISECONDS])

    async def leave(self, connection_id: str, *, owner: str) -> None:
        """The connection that this gateway had has ended."""
        await self._run(LEAVE, [_owner(connection_id), _connections(owner)], [connection_id, owner])

    async def owner(self, connection_id: str) -> str | None:
        """Whose the connection is; None when it is not known."""
        found: Any = await self._ask(self._redis.get(_owner(connection_id)))
        return None if found is None else str(found.decode())

    async def hand(self, owner: str, connection_id: str, kind: Kind, text: str) -> Handed:
        """Put it into the owner's inbox, if that lives and has room."""
        args = (owner, INBOX_MOST, CONNECTION_LIFE_MILLISECONDS, connection_id, kind, text)
        found = await self._run(HAND, [_LIVING, _inbox(owner)], args)
        return cast("Handed", found.decode())

    async def inbox(self) -> list[Callback]:
        """What others have put there, oldest first; waits a second where there is nothing."""
        found: Any = await self._ask(
            self._redis.xread({_inbox(self.me): "0"}, count=INBOX_BATCH, block=INBOX_WAIT_MILLISECONDS)
        )
        entries = found[0][1] if found else []
        return [
            Callback(entry, fields[b"c"].decode(), cast("Kind", fields[b"k"].decode()), fields[b"f"].decode())
            for entry, fields in entries
        ]

    async def taken(self, callbacks: list[Callback]) -> None:
        """These are not to be read again."""
        await self._ask(self._redis.xdel(_inbox(self.me), *(callback.entry for callback in callbacks)))

    async def dead(self) -> str | None:
        """A gateway whose connections somebody must close: for a while nobody else gets it."""
        found = await self._run(REAP, [_LIVING, _DEAD], [REAP_MILLISECONDS, CONNECTION_LIFE_MILLISECONDS])
        return None if found is None else str(found.decode())

    async def connections(self, gateway: str) -> list[str]:
        """All that are a gateway's."""
        found: Any = await self._ask(self._redis.smembers(_connections(gateway)))
        return [connection_id.decode() for connection_id in found]

    async def bury(self, gateway: str) -> None:
        """Nothing is left of it; its connections were closed."""
        await self._ask(self._redis.delete(_connections(gateway), _inbox(gateway)))
        for members in (_LIVING, _DEAD):
            await self._ask(self._redis.zrem(members, gateway))

    async def _run(self, script: Script, keys: list[str], args: Sequence[str | bytes | int]) -> Any:
        return await self._ask(script.run(self._redis, keys, args))

    async def _ask(self, command: Any) -> Any:
        try:
            return await command
        except AWAY as error:
            raise TransientError("Redis does not answer") from error


def _owner(connection_id: str) -> str:
    return f"callbacks:{{c}}:owner:{connection_id}"


def _connections(gateway: str) -> str:
    return f"callbacks:{{c}}:connections:{gateway}"


def _inbox(gateway: str) -> str:
    return f"callbacks:{{c}}:inbox:{gateway}"
