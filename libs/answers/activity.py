"""Whether answers move: what the sweeper wants to know before it opens a turn again."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from libs.answers.names import LogName
from libs.bus.connection import AWAY, Redis
from libs.clock import Clock
from libs.contracts.ids import partition_of
from libs.errors import TransientError


class LogActivity:
    """Remembers where logs stood, since a stream does not say when it was last written.

    Args:
        redis: where the logs are.
        partitions: how many the streams have.
        clock: says when a log was seen to move.
    """

    def __init__(self, redis: Redis, partitions: int, clock: Clock) -> None:
        self._redis = redis
        self._partitions = partitions
        self._clock = clock
        self._seen: dict[UUID, tuple[bytes | None, datetime]] = {}

    async def last_moved(self, answers: Sequence[tuple[UUID, UUID]]) -> dict[UUID, datetime]:
        """When each log was first seen to stand where it stands; now, for one never asked about.

        Args:
            answers: pairs of session id and answer id; answers not among them are forgotten.

        Raises:
            TransientError: Redis does not answer.
        """
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                for session_id, answer_id in answers:
                    log = LogName(partition_of(session_id, self._partitions), answer_id)
                    pipeline.xrevrange(log.key, count=1)
                tops = await pipeline.execute()
        except AWAY as error:
            raise TransientError("Redis does not answer") from error
        seen: dict[UUID, tuple[bytes | None, datetime]] = {}
        for (_, answer_id), top in zip(answers, tops, strict=True):
            position = top[0][0] if top else None
            before = self._seen.get(answer_id)
            seen[answer_id] = before if before and before[0] == position else (position, self._clock())
        self._seen = seen
        return {answer_id: moved for answer_id, (_, moved) in seen.items()}
