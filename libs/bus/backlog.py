"""How much waits on streams."""

from collections.abc import Sequence
from typing import Any

from redis.exceptions import ResponseError

from libs.bus.connection import Redis


async def waiting(redis: Redis, keys: Sequence[str]) -> int:
    """How many entries of these streams no worker has taken.

    What is finished is deleted, so these are all there are but those in somebody's hands.
    """
    async with redis.pipeline(transaction=False) as pipeline:
        for key in keys:
            pipeline.xlen(key)
            pipeline.xinfo_groups(key)
        replies: list[Any] = await pipeline.execute(raise_on_error=False)
    total = 0
    for entries, groups in zip(replies[::2], replies[1::2], strict=True):
        if isinstance(entries, Exception):
            raise entries
        if not isinstance(groups, Exception):
            total += max(0, entries - sum(group["pending"] for group in groups))
        elif isinstance(groups, ResponseError):
            # There is no such stream, or nobody has ever read it.
            total += entries
        else:
            raise groups
    return total
