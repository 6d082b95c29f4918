"""What happened in a run, in figures, and all there is to know when it is stuck."""

import json
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from tests.fault.checker import keys_of
from tests.fault.clients import Message
from tests.fault.cluster import STREAMS, Cluster

LOG_LINES = 12
COUNTED = {
    "took over entries of silent workers": "takeovers",
    "handed back unfinished entries": "handed_back",
    "an answer is read from its row": "read_from_row",
    "entry buried": "buried",
    "entry was finished by another worker": "refused_finishers",
    "entry was given to another worker": "refused_finishers",
    "let go of an entry": "refused_finishers",
    "a subscriber died, this process stops to be started again": "processes_gave_up",
    "unexpected error": "unexpected_errors",
    "dies before the hop": "crashes_before_hop",
    "dies behind the hop": "crashes_behind_hop",
}
"""Lines of the services' logs, and what a report calls them."""


@dataclass
class Report:
    """One run.

    Attributes:
        violations: what the checker found.
        faults: what the nemesis did.
        figures: counted in the services' logs and by the clients.
        dump: the state of everything, when something was wrong.
    """

    title: str
    seed: int
    seconds: float = 0.0
    violations: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    figures: Counter[str] = field(default_factory=Counter)
    diary: list[str] = field(default_factory=list)
    dump: str = ""

    def line(self) -> str:
        """The run in one line."""
        verdict = "ok  " if not self.violations else f"{len(self.violations)} VIOLATIONS"
        faults = " ".join(f"{name}x{number}" for name, number in sorted(self.faults.items()))
        figures = " ".join(f"{name}={number}" for name, number in sorted(self.figures.items()) if number)
        return (
            f"{verdict} {self.title} FAULT_SEED={self.seed} {self.seconds:.0f}s | {figures} | {faults or 'no faults'}"
        )

    def text(self) -> str:
        """All of it, for whoever has to find out why."""
        return "\n".join(
            [self.line(), *self.violations, *(["-- faults", *self.diary] if self.diary else []), self.dump]
        )


class LogTail:
    """What the services have said since it was made."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._from = {path: path.stat().st_size for path in cluster.logs()}

    def lines(self) -> list[tuple[str, dict[str, Any]]]:
        """The lines in JSON with the process's name."""
        found = []
        for path in self._cluster.logs():
            with path.open("rb") as log:
                log.seek(self._from.get(path, 0))
                for raw in log:
                    with suppress(ValueError):
                        line = json.loads(raw)
                        found.append((path.stem, line if isinstance(line, dict) else {"message": str(line)}))
        return found

    def figures(self) -> Counter[str]:
        """Takeovers, refused appends and the like."""
        figures: Counter[str] = Counter()
        for _, line in self.lines():
            message = line.get("message")
            if message == "attempt stopped":
                reason = line.get("reason")
                figures["refused_zombie_appends" if reason == "superseded" else f"stopped_{reason}"] += 1
            elif message in COUNTED:
                figures[COUNTED[message]] += int(line.get("entries", 1))
        return figures

    def tail(self) -> str:
        """The last lines of every process that are more than information."""
        lines = []
        for path in self._cluster.logs():
            with path.open("rb") as log:
                log.seek(self._from.get(path, 0))
                said = [raw.decode(errors="replace").rstrip() for raw in log]
            worth = [line for line in said if '"level": "info"' not in line]
            lines += [f"-- {path.stem}", *(line[:600] for line in worth[-LOG_LINES:])]
        return "\n".join(lines)


def client_figures(messages: Sequence[Message]) -> Counter[str]:
    """What the clients did."""
    views = [view for message in messages for view in message.views]
    return Counter(
        chats=len({message.session for message in messages}),
        messages=len(messages),
        views=len(views),
        resumes=sum(view.how == "resume" for view in views),
        repeats=sum(view.how == "send" for view in views) - len(messages),
        cancels=sum(message.wanted_cancel for message in messages),
        others=sum(message.again != "" for message in messages),
        errors_shown=sum(view.ending == "error" for view in views),
    )


async def dump(cluster: Cluster, log: LogTail) -> str:
    """Streams, pending lists, the tops of unfinished logs, unfinished rows, and the services' last words."""
    lines = ["-- streams"]
    async with cluster.redis() as redis:
        try:
            lines += await _streams(redis)
        except (RedisError, OSError) as error:
            lines.append(f"valkey: {error!r}")
    lines += ["-- rows that have not ended", *await _rows(cluster)]
    return "\n".join([*lines, log.tail()])


async def _streams(redis: Redis) -> list[str]:
    lines = []
    for key in await keys_of(redis, *STREAMS, "dead"):
        lines.append(f"{key}: {await redis.xlen(key)} entries")
        first: Any = await redis.xrange(key, count=5)
        lines += [f"  {_short(entry)}" for entry in first]
        groups: Any = await redis.xinfo_groups(key)
        for group in groups:
            pending: Any = await redis.xpending_range(key, group["name"], "-", "+", 10)
            lines += [f"  {group['name'].decode()} holds {item}" for item in pending]
    async for key in redis.scan_iter("answer:*", count=500):
        top: Any = await redis.xrevrange(key, count=1)
        if top and not top[0][0].endswith(b"-18446744073709551615"):
            lines.append(f"{key.decode()}: top {_short(top[0])}")
    return lines


async def _rows(cluster: Cluster) -> list[str]:
    connection = await cluster.connect()
    try:
        rows = await connection.fetch(
            "SELECT message_id, session_id, position, status, opened_at, opened_by, asked_by FROM chat_messages"
            " WHERE status IN ('queued', 'opened') LIMIT 20"
        )
        return [str(dict(row)) for row in rows]
    finally:
        await connection.close()


def _short(entry: Any) -> str:
    return str(entry)[:300]
