"""Dead letters: what was given up, why, and putting it back.

`python -m libs.bus.dead_letters list | show ID | replay ID | replay --all | drop ID`, with `REDIS_URL` and
`BUS_PARTITIONS` as the services have them. An id is `<partition>/<entry id>`, as `list` prints it.

A replayed chat event does not bring an answer back that has ended as failed: it was told so to its client, who may ask
again. What is replayed with profit are documents, and questions whose failure was never recorded.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from libs.bus.connection import Redis, connect
from libs.bus.entry import dead_key
from libs.bus.scripts import REPLAY
from libs.config import RedisSettings, load

BATCH = 200


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An entry that was given up.

    Attributes:
        id: `<partition>/<entry id>`.
        source: the stream it was on.
        consumer: who had it last.
        event: as it was published; it holds what the user wrote, so `list` leaves it out.
    """

    id: str
    buried_at: datetime
    source: str
    group: str
    attempts: int
    consumer: str
    reason: str
    traceparent: str
    event: str

    @classmethod
    def of(cls, partition: int, entry_id: str, fields: dict[bytes, bytes]) -> "DeadLetter":
        """The letter behind an entry of `dead:{p}`."""
        text = {name.decode(): value.decode("utf-8", "replace") for name, value in fields.items()}
        return cls(
            id=f"{partition}/{entry_id}",
            buried_at=datetime.fromtimestamp(int(entry_id.split("-", maxsplit=1)[0]) / 1000, UTC),
            source=text.get("source", ""),
            group=text.get("group", ""),
            attempts=int(text.get("attempts", "0")),
            consumer=text.get("consumer", ""),
            reason=text.get("reason", ""),
            traceparent=text.get("traceparent", ""),
            event=text.get("event", ""),
        )

    def line(self) -> str:
        """For a person, without what a user wrote."""
        when = self.buried_at.isoformat(timespec="seconds")
        return f"{self.id}  {when}  {self.source}  attempts={self.attempts}  by={self.consumer}  {self.reason}"


class DeadLetters:
    """The dead letters of all partitions.

    Args:
        redis: where they are.
        partitions: how many the streams have.
    """

    def __init__(self, redis: Redis, *, partitions: int) -> None:
        self._redis = redis
        self._partitions = partitions

    async def all(self) -> AsyncIterator[DeadLetter]:
        """Oldest first within a partition."""
        for partition in range(self._partitions):
            after = "-"
            while True:
                found: Any = await self._redis.xrange(dead_key(partition), after, "+", count=BATCH)
                for entry_id, fields in found:
                    yield DeadLetter.of(partition, entry_id.decode(), fields)
                if len(found) < BATCH:
                    break
                after = f"({found[-1][0].decode()}"

    async def find(self, letter_id: str) -> DeadLetter | None:
        """The letter with this id."""
        partition, entry_id = self._place(letter_id)
        found: Any = await self._redis.xrange(dead_key(partition), entry_id, entry_id)
        return DeadLetter.of(partition, entry_id, found[0][1]) if found else None

    async def replay(self, letter: DeadLetter) -> bool:
        """Put it back at the end of its stream, with all attempts before it; False when it is gone."""
        partition, entry_id = self._place(letter.id)
        fields = ["event", letter.event, "attempts", "0", "traceparent", letter.traceparent]
        return bool(await REPLAY.run(self._redis, [dead_key(partition), letter.source], [entry_id, *fields]))

    async def drop(self, letter_id: str) -> bool:
        """Forget it; False when it is gone."""
        partition, entry_id = self._place(letter_id)
        return bool(await self._redis.xdel(dead_key(partition), entry_id))

    def _place(self, letter_id: str) -> tuple[int, str]:
        partition, _, entry_id = letter_id.partition("/")
        if not partition.isdigit() or int(partition) >= self._partitions or "-" not in entry_id:
            raise SystemExit(f"{letter_id} is no id of a dead letter: they look like 0/1700000000000-0")
        return int(partition), entry_id


async def run(letters: DeadLetters, arguments: Sequence[str]) -> int:
    """What the command line asks for; 1 when there is no such letter."""
    parser = argparse.ArgumentParser(prog="python -m libs.bus.dead_letters", description="What was given up, and why.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="one line each, without what users wrote")
    for name, meaning in (("show", "all of one, its event too"), ("drop", "forget one")):
        commands.add_parser(name, help=meaning).add_argument("id")
    replay = commands.add_parser("replay", help="put back on the stream")
    which = replay.add_mutually_exclusive_group(required=True)
    which.add_argument("id", nargs="?")
    which.add_argument("--all", action="store_true")
    given = parser.parse_args(arguments)
    if given.command == "list":
        async for letter in letters.all():
            _print(letter.line())
        return 0
    if given.command == "drop":
        return _said(done=await letters.drop(given.id), what=f"dropped {given.id}")
    if given.command == "replay" and given.all:
        waiting = [letter async for letter in letters.all()]
        replayed = sum([await letters.replay(letter) for letter in waiting])
        return _said(done=True, what=f"replayed {replayed}")
    found = await letters.find(given.id)
    if found is None:
        return _said(done=False, what="")
    if given.command == "show":
        facts = {name: str(getattr(found, name)) for name in DeadLetter.__slots__}
        return _said(done=True, what=json.dumps(facts, indent=2, ensure_ascii=False))
    return _said(done=await letters.replay(found), what=f"replayed {given.id}")


def _said(*, done: bool, what: str) -> int:
    _print(what if done else "There is no such dead letter.")
    return 0 if done else 1


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")


async def main(arguments: Sequence[str]) -> int:
    """Connect as the services do."""
    [settings] = load(RedisSettings)
    async with connect(settings.redis_url) as redis:
        return await run(DeadLetters(redis, partitions=settings.bus_partitions), arguments)


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main(sys.argv[1:])))
