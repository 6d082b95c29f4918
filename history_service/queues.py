"""How far the streams are behind, as the sweeper wants to know it."""

from datetime import UTC, datetime
from uuid import UUID

from libs.bus.connection import AWAY, Redis
from libs.bus.entry import stream_key
from libs.contracts.events import AnswerWritten, ContextRetrieved, TurnOpened
from libs.contracts.ids import partition_of
from libs.errors import TransientError

_STREAMS = (TurnOpened.stream, ContextRetrieved.stream, AnswerWritten.stream)


class RedisTurnQueues:
    """Fits `TurnQueues`; finished entries are deleted, so a stream's first entry is the oldest unfinished one."""

    def __init__(self, redis: Redis, *, partitions: int) -> None:
        self._redis = redis
        self._partitions = partitions

    async def oldest_entry(self, session_id: UUID) -> datetime | None:
        partition = partition_of(session_id, self._partitions)
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                for stream in _STREAMS:
                    pipeline.xrange(stream_key(stream, partition), count=1)
                firsts = await pipeline.execute()
        except AWAY as error:
            raise TransientError("Redis does not answer") from error
        times = [int(entries[0][0].split(b"-")[0]) / 1000 for entries in firsts if entries]
        return datetime.fromtimestamp(min(times), UTC) if times else None
