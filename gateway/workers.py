"""Whether the workers that answer a question are there: what `/readyz` promises."""

from typing import Any

from redis.exceptions import ResponseError

from libs.bus.connection import Redis
from libs.bus.entry import stream_key
from libs.contracts.events import ContextRetrieved, Event, QuestionAsked, TurnOpened
from libs.errors import TransientError

PATH: tuple[tuple[type[Event], str], ...] = (
    (QuestionAsked, "history"),
    (TurnOpened, "retrieval"),
    (ContextRetrieved, "generation"),
)
SEEN_MILLISECONDS = 10_000
"""A worker reads every second while it has a free hand, and renews what it holds every quarter of the claim time."""


async def check_workers(redis: Redis) -> None:
    """Returns when every stage of the path has a worker that was seen lately.

    Raises:
        TransientError: names the stages without one.
    """
    missing = [group for event, group in PATH if not await _seen(redis, stream_key(event.stream, 0), group)]
    if missing:
        raise TransientError(f"no worker of {', '.join(missing)} was seen lately")


async def _seen(redis: Redis, key: str, group: str) -> bool:
    try:
        consumers: Any = await redis.xinfo_consumers(key, group)
    except ResponseError:
        return False
    return any(int(consumer["idle"]) < SEEN_MILLISECONDS for consumer in consumers)
