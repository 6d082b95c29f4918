"""What was asked a moment ago: a client that reloads before history has stored its question still finds the answer."""

from typing import Any
from uuid import UUID

from libs.answers.names import END_SEQ, FrameId, LogName
from libs.bus.connection import AWAY, Redis
from libs.contracts.ids import partition_of
from libs.errors import TransientError

REMEMBER_SECONDS = 60
"""Longer than a question waits for history, however full the streams are; from then on history knows."""


class AskedLately:
    """The answer that a session's principal asked for last, for a minute; shared by all gateways.

    Args:
        redis: where it is kept.
        partitions: how many the streams have.
    """

    def __init__(self, redis: Redis, partitions: int) -> None:
        self._redis = redis
        self._partitions = partitions

    async def remember(self, session_id: UUID, user_id: UUID, answer_id: UUID) -> None:
        """The question is on its way.

        Raises:
            TransientError: Redis does not answer.
        """
        try:
            await self._redis.set(self._key(session_id, user_id), str(answer_id), ex=REMEMBER_SECONDS)
        except AWAY as error:
            raise TransientError("Redis does not answer") from error

    async def recall(self, session_id: UUID, user_id: UUID) -> UUID | None:
        """The answer, unless it has ended.

        Raises:
            TransientError: Redis does not answer.
        """
        try:
            found: Any = await self._redis.get(self._key(session_id, user_id))
            if found is None:
                return None
            answer_id = UUID(found.decode())
            log = LogName(partition_of(session_id, self._partitions), answer_id)
            top: Any = await self._redis.xrevrange(log.key, count=1)
        except AWAY as error:
            raise TransientError("Redis does not answer") from error
        return None if top and FrameId.parse(top[0][0]).seq == END_SEQ else answer_id

    def _key(self, session_id: UUID, user_id: UUID) -> str:
        return f"asked:{{p{partition_of(session_id, self._partitions)}}}:{session_id}:{user_id}"
