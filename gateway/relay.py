"""From an answer's log to a client's socket: every frame once, in order, until the answer is stored."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from uuid import UUID

import structlog

from gateway.ports import Frames, StoredAnswer
from gateway.ui_stream import EMPTY_DIGEST, Chunk, UiStream
from libs.contracts.frames import Ended
from libs.errors import RequestError, TransientError
from libs.telemetry.troubles import Trouble

log = structlog.get_logger()

SendChunk = Callable[[Chunk, str], Awaitable[None]]
"""Takes a chunk and the name of the attempt that said it."""

SILENT_BATCHES = 10
"""About so many seconds without a frame; then history is asked, for a log that Redis forgot never ends."""
_ROW = "row"
ROW_TRIES = 5
ROW_PAUSE_SECONDS = 0.2
"""History may read from a replica, which is behind the commit that the last frame tells of."""


class Relay:
    """One reader's view of one answer.

    Args:
        answer_id: whose answer.
        send: takes the chunks.
        row: reads the stored answer; None when there is none that has ended.
        untaken_seconds: a question that no stage has taken for so long is given up here.
        away: says, once for all readers, that history does not answer.
    """

    def __init__(
        self,
        answer_id: UUID,
        *,
        send: SendChunk,
        row: Callable[[], Awaitable[StoredAnswer | None]],
        untaken_seconds: float,
        away: Trouble,
    ) -> None:
        self._stream = UiStream(str(answer_id))
        self._send = send
        self._row = row
        self._untaken_seconds = untaken_seconds
        self._away = away

    async def run(self, frames: Frames) -> UUID | None:
        """Send the answer as it is written; where what was sent is not what is stored, what is stored takes its place.

        Returns:
            the answer to read in place of this one, of which nothing was sent then; else None.

        Raises:
            RequestError: nobody has taken the question; it can be sent again.
            TransientError: the stored answer was needed and history does not answer.
        """
        silent = 0
        async for batch in frames.batches():
            silent = 0 if batch else silent + 1
            if silent and await self._has_ended_in_silence(silent):
                return None
            for entry in batch:
                frame = entry.frame
                if isinstance(frame, Ended) and frame.instead is not None and self._stream.is_empty:
                    return frame.instead
                if isinstance(frame, Ended) and not self._stream.is_complete(frame):
                    await self._send_all(await self._instead(entry.id.epoch, frame), _ROW)
                    return None
                await self._send_all(self._stream.chunks(entry.id.epoch, frame), str(entry.id.epoch))
        return None

    async def replay(self) -> bool:
        """Send the answer as it is stored, if it has ended; whether it has.

        Raises:
            TransientError: history does not answer.
        """
        answer = await self._row()
        if answer is not None:
            await self._send_all(self._stream.stored(answer), _ROW)
        return answer is not None

    async def _has_ended_in_silence(self, silent: int) -> bool:
        if silent % SILENT_BATCHES == 0:
            try:
                answer = await self._row()
            except TransientError as error:
                self._away.noticed_in_passing(reason=str(error))
                return False
            if answer is not None:
                log.warning("an answer ended unheard and is read from its row")
                await self._send_all(self._stream.stored(answer), _ROW)
                return True
        if self._stream.is_empty and silent >= self._untaken_seconds:
            raise RequestError("Nobody has taken the question: send it again.", status=503, code="question_not_taken")
        return False

    async def _instead(self, epoch: int, ended: Ended) -> Iterable[Chunk]:
        if ended.digest == EMPTY_DIGEST:
            # A failed answer without text: no need to read that.
            return self._stream.stored(StoredAnswer(content="", status=ended.status, failure=ended.failure))
        log.warning("an answer is read from its row")
        for _ in range(ROW_TRIES):
            answer = await self._row()
            if answer is not None:
                return self._stream.stored(answer)
            await asyncio.sleep(ROW_PAUSE_SECONDS)
        # Deleted in the meantime: what was sent is not to be taken for the answer.
        return self._stream.chunks(epoch, ended.model_copy(update={"status": "failed"}))

    async def _send_all(self, chunks: Iterable[Chunk], attempt: str) -> None:
        for chunk in chunks:
            await self._send(chunk, attempt)
