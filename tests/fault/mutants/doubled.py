"""No flaw of ours: every script is sent twice, as a client does that has lost the reply; the second reply counts."""

from collections.abc import Sequence
from typing import Any

from libs.answers.attempt import Attempt
from libs.answers.scripts import APPEND
from libs.answers.writer import AnswerWriter
from libs.bus.connection import Redis
from libs.bus.scripts import Script


def put_in() -> None:
    """Appends are sent twice as well: the writer has them in a pipeline of its own."""
    run, send = Script.run, AnswerWriter._send

    async def run_twice(self: Script, redis: Redis, keys: Sequence[str], args: Sequence[str | bytes | int]) -> Any:
        await run(self, redis, keys, args)
        return await run(self, redis, keys, args)

    async def send_twice(self: AnswerWriter, due: list[Attempt]) -> tuple[list[Any], list[int]]:
        async with self.redis.pipeline(transaction=False) as pipeline:
            for attempt in due:
                seq, frames = attempt.take_unconfirmed()
                pipeline.evalsha(APPEND.sha, 1, attempt.log.key, attempt.epoch, seq, attempt.log.channel, *frames)
            await pipeline.execute(raise_on_error=False)
        return await send(self, due)

    Script.run = run_twice  # type: ignore[method-assign]
    AnswerWriter._send = send_twice  # type: ignore[method-assign]
