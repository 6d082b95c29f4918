"""The drill: back up, restore beside it, verify, and say how long it took."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from deploy.restore.backup import dump, remove, restore
from deploy.restore.facts import Facts, facts_of
from deploy.restore.verify import Check, verify


@dataclass
class Report:
    """What was tried and what it took.

    Attributes:
        seconds: by step, in order.
    """

    taken_at: str
    seconds: dict[str, float] = field(default_factory=dict)
    size_bytes: int = 0
    checks: list[Check] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """What was restored is what was there."""
        return bool(self.checks) and all(check.holds for check in self.checks)

    @property
    def recovery_seconds(self) -> float:
        """From the decision to restore to a database that is known to be sound: the recovery time."""
        return sum(seconds for step, seconds in self.seconds.items() if step != "backup")

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """The time inside is the step's."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.seconds[step] = time.monotonic() - began

    def lines(self) -> Iterator[str]:
        """For people, and for the ticket of the drill."""
        yield f"# Restore drill, of {self.taken_at}"
        yield ""
        for check in self.checks:
            yield f"- {'ok' if check.holds else 'NO'}  {check.name}: {check.found}"
        yield ""
        steps = ", ".join(f"{step} {seconds:.1f} s" for step, seconds in self.seconds.items())
        yield f"{steps}; backup of {self.size_bytes / 1e6:.1f} MB"
        yield f"Recovery time: {self.recovery_seconds:.1f} s. {'Sound.' if self.holds else 'NOT SOUND.'}"


async def facts_now(url: str) -> Facts:
    """Of this moment."""
    connection = await asyncpg.connect(url, timeout=30.0)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return await facts_of(connection)
    finally:
        await connection.close()


async def drill(source: str, server: str) -> Report:
    """A backup of `source` is restored into a new database of `server`, verified, and removed again.

    Args:
        source: address of the database; only read.
        server: address of any database of the server to restore to.

    Raises:
        BackupError: PostgreSQL's programs could not do their part.
    """
    name = f"eloquent_drill_{time.time_ns()}"
    with tempfile.TemporaryDirectory(prefix="eloquent-drill-") as folder:
        file = Path(folder) / "backup"
        connection = await asyncpg.connect(source, timeout=30.0)
        try:
            # One moment for the facts and for the backup, however much is written meanwhile.
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                snapshot = await connection.fetchval("SELECT pg_export_snapshot()")
                before = await facts_of(connection)
                report = Report(before.taken_at)
                with report.timed("backup"):
                    await dump(source, file, snapshot=snapshot)
        finally:
            await connection.close()
        report.size_bytes = file.stat().st_size
        try:
            with report.timed("restore"):
                url = await restore(file, server, name)
            with report.timed("verify"):
                report.checks = await verify(url, before)
        finally:
            await remove(server, name)
    return report
