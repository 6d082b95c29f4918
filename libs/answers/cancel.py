"""Cancelling: the gateway closes the log, whoever is writing finds it closed."""

from libs.answers.names import LIVE_LOG_MILLISECONDS, LogName
from libs.answers.scripts import CANCEL
from libs.bus.connection import AWAY, Redis
from libs.contracts.frames import Closed, encode_frame
from libs.errors import TransientError


async def cancel(redis: Redis, log: LogName) -> bool:
    """Close the answer as cancelled; False when it was closed or ended before.

    Raises:
        TransientError: Redis does not answer.
    """
    frame = encode_frame(Closed(status="cancelled"))
    try:
        reply = await CANCEL.run(redis, [log.key], [frame, log.channel, LIVE_LOG_MILLISECONDS])
    except AWAY as error:
        raise TransientError("Redis does not answer") from error
    return bool(reply == b"cancelled")
