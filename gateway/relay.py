"""From an answer's log to a client's socket: every frame once, in order, until the answer is stored."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import structlog

from gateway.ports import StoredAnswers
from gateway.ui_stream import Chunk, UiStream
from libs.answers.reader import Reading
from libs.contracts.frames import Ended

log = structlog.get_logger()

SendChunk = Callable[[Chunk], Awaitable[None]]


async def relay(
    reading: Reading,
    *,
    session_id: UUID,
    answer_id: UUID,
    send: SendChunk,
    stored: StoredAnswers,
    authorization: str,
) -> None:
    """Send the answer as it is written; where what was sent is not what is stored, what is stored comes in its place.

    Raises:
        TransientError: the stored answer was needed and history does not answer.
    """
    stream = UiStream(str(answer_id))
    async for batch in reading.batches():
        for entry in batch:
            frame = entry.frame
            if isinstance(frame, Ended) and not stream.is_complete(frame) and frame.digest:
                log.warning("an answer is read from its row", answer_id=str(answer_id))
                answer = await stored.read(session_id, answer_id, authorization=authorization)
                if answer is not None:
                    for chunk in stream.replace(answer):
                        await send(chunk)
            for chunk in stream.chunks(entry.id.epoch, frame):
                await send(chunk)
