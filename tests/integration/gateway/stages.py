"""The workers' part, played by hand: questions are taken off the stream, frames are put into logs."""

import hashlib
from typing import Any
from uuid import uuid4

from redis.asyncio import Redis

from libs.answers.names import CLOSE_SEQ, END_SEQ, LogName
from libs.contracts.events import QuestionAsked
from libs.contracts.frames import Closed, Delta, Ended, Frame, Opened, PassagesFound, Started, encode_frame
from libs.contracts.ids import partition_of
from libs.contracts.values import Turn
from tests.polling import eventually

ASKED = QuestionAsked.stream + ":{p0}"


async def questions(redis: Redis) -> list[Turn]:
    """The turns that were asked for, oldest first."""
    entries: Any = await redis.xrange(ASKED)
    return [QuestionAsked.model_validate_json(fields[b"event"]).turn for _, fields in entries]


async def the_question(redis: Redis, *, number: int = 1) -> "Answer":
    """The answer to the so-manieth question, as soon as it is asked."""

    async def asked() -> Turn | None:
        found = await questions(redis)
        return found[number - 1] if len(found) >= number else None

    turn = await eventually(asked)
    assert turn is not None
    return Answer(redis, turn)


class Answer:
    """One answer's log, and whoever writes it."""

    def __init__(self, redis: Redis, turn: Turn) -> None:
        self.turn = turn
        self.log = LogName(partition_of(turn.session_id, 1), turn.answer_id)
        self.text = ""
        self._redis = redis
        self._epoch = 0
        self._seq = 0

    async def announce(self, frame: Opened | PassagesFound | None = None) -> None:
        """A stage before the writer says something."""
        self._epoch += 1
        await self.put(self._epoch, 0, frame or Opened(session_id=self.turn.session_id, question_id=uuid4()))

    async def begin(self) -> None:
        """An attempt; what an earlier one wrote is void."""
        self._epoch, self._seq, self.text = self._epoch + 1, 0, ""
        await self.put(self._epoch, 0, Started(model="m"))

    async def say(self, *texts: str) -> None:
        """More text."""
        for text in texts:
            self._seq += 1
            self.text += text
            await self.put(self._epoch, self._seq, Delta(text=text))

    async def end(self, text: str | None = None, **given: Any) -> None:
        """The answer is stored, with this text or the one that was written."""
        stored = self.text if text is None else text
        ended = Ended(**{"status": "completed", "digest": hashlib.sha256(stored.encode()).hexdigest(), **given})
        if self._seq and not await self.is_cancelled():
            await self.put(self._epoch, CLOSE_SEQ, Closed(status=ended.status, frames=self._seq + 1))
        await self.put(self._epoch or 1, END_SEQ, ended)

    async def write(self, *texts: str) -> None:
        """A whole answer."""
        await self.announce()
        await self.begin()
        await self.say(*texts)
        await self.end()

    async def is_cancelled(self) -> bool:
        """Whether somebody closed the log."""
        top: Any = await self._redis.xrevrange(self.log.key, count=1)
        return bool(top) and top[0][1].get(b"s") == b"cancelled"

    async def put(self, epoch: int, seq: int, frame: Frame) -> None:
        """Append and publish in one step, as the scripts do."""
        raw = encode_frame(frame)
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.xadd(self.log.key, {"f": raw}, id=f"{epoch}-{seq}")
            pipeline.publish(self.log.channel, f"{epoch}-{seq}|".encode() + raw)
            await pipeline.execute()
