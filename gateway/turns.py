"""How many turns a principal has in progress, over all sessions, sockets and gateways."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, Literal
from uuid import UUID

from gateway.asked import REMEMBER_SECONDS
from gateway.limits import Recently
from libs.answers.names import END_SEQ, LIVE_LOG_MILLISECONDS, FrameId, LogName
from libs.bus.connection import AWAY, Redis
from libs.bus.scripts import Script
from libs.contracts.ids import partition_of
from libs.contracts.values import Turn
from libs.errors import TransientError

FULL_SECONDS = 0.5
"""Who has no place left is not looked at again for so long, unless one of their answers ends here."""

CLAIM = Script("gateway.lua", "claim")

Claimed = Literal["claimed", "known", "full"]


class TurnsInProgress:
    """A principal's places, each held by a turn from its question to the end of its answer.

    Whoever sees an answer end gives its place back. That may be nobody: the client may be gone, or its gateway. So
    before anybody is refused, the logs of the turns that hold the places are looked at.

    Args:
        redis: shared by all gateways.
        partitions: how many the streams have.
        now: seconds of a clock that never goes back.
    """

    def __init__(self, redis: Redis, partitions: int, *, now: Callable[[], float] = time.monotonic) -> None:
        self._redis = redis
        self._partitions = partitions
        self._full: Recently[UUID, frozenset[bytes]] = Recently(now=now)

    async def claim(self, turn: Turn, *, most: int) -> Claimed:
        """Take a place for this turn.

        Args:
            turn: whose principal counts.
            most: places of that principal.

        Returns:
            `known` when this very turn has its place already: its question was sent again.

        Raises:
            TransientError: Redis does not answer.
        """
        holders = self._full.get(turn.principal.user_id)
        if holders is not None:
            return "known" if self._member(turn.session_id, turn.answer_id) in holders else "full"
        try:
            found = await self._claim(turn, most)
            if found[0] == b"full" and await self._clear(turn, found):
                found = await self._claim(turn, most)
        except AWAY as error:
            raise TransientError("Redis does not answer") from error
        match found[0]:
            case b"claimed":
                return "claimed"
            case b"known":
                return "known"
            case _:
                self._full.put(turn.principal.user_id, frozenset(found[2::2]), seconds=FULL_SECONDS)
                return "full"

    async def release(self, user_id: UUID, session_id: UUID, answer_id: UUID) -> None:
        """Give the place of this answer back: it has ended, or was never asked for.

        Raises:
            TransientError: Redis does not answer; the place is free as soon as somebody needs it.
        """
        self._full.forget(user_id)
        try:
            await self._redis.zrem(_key(user_id), self._member(session_id, answer_id))
        except AWAY as error:
            raise TransientError("Redis does not answer") from error

    async def _claim(self, turn: Turn, most: int) -> Any:
        return await CLAIM.run(
            self._redis,
            [_key(turn.principal.user_id)],
            [self._member(turn.session_id, turn.answer_id), most, LIVE_LOG_MILLISECONDS],
        )

    async def _clear(self, turn: Turn, full: Sequence[bytes]) -> bool:
        """Free the places of turns that have ended; whether there were any."""
        now, holders = int(full[1]), dict(zip(full[2::2], full[3::2], strict=True))
        ended = await asyncio.gather(*(self._has_ended(member, now - int(since)) for member, since in holders.items()))
        free = [member for member, gone in zip(holders, ended, strict=True) if gone]
        if free:
            await self._redis.zrem(_key(turn.principal.user_id), *free)
        return bool(free)

    async def _has_ended(self, member: bytes, age_seconds: int) -> bool:
        partition, _, answer_id = member.decode().partition("/")
        top: Any = await self._redis.xrevrange(LogName(int(partition), UUID(answer_id)).key, count=1)
        if top:
            return FrameId.parse(top[0][0]).seq == END_SEQ
        # Not begun yet, or long over: by then history would have begun it.
        return age_seconds > REMEMBER_SECONDS

    def _member(self, session_id: UUID, answer_id: UUID) -> bytes:
        return f"{partition_of(session_id, self._partitions)}/{answer_id}".encode()


def _key(user_id: UUID) -> str:
    return f"turns:{{{user_id}}}"
