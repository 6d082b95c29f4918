"""What was measured, as tables."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from tests.bench.load import Script, Seen
from tests.bench.page import HEAD, put

_MILLI = 1000.0
_MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class Window:
    """One side under one load for a while.

    Attributes:
        cpu_seconds: by process.
        memory_bytes: by process, at the window's end.
        load_cpu_seconds: of the load generator.
        model_cpu_seconds: of the fake model.
        other_cpu_seconds: of whatever else ran on the machine.
    """

    side: str
    people: int
    seconds: float
    seen: Seen
    cpu_seconds: dict[str, float]
    memory_bytes: dict[str, int]
    load_cpu_seconds: float
    model_cpu_seconds: float
    other_cpu_seconds: float


@dataclass
class Report:
    """All windows of a run.

    Attributes:
        came_first: whether all of it ran before other work on the machine.
    """

    script: Script
    came_first: bool = False
    windows: list[Window] = field(default_factory=list)

    @property
    def failures(self) -> list[str]:
        """What went wrong."""
        return [failure for side in dict.fromkeys(w.side for w in self.windows) for failure in self.failures_of(side)]

    def failures_of(self, side: str) -> list[str]:
        """What went wrong on this side."""
        windows = [window for window in self.windows if window.side == side]
        return [f"{side} at {window.people}: {failure}" for window in windows for failure in window.seen.failures]

    def markdown(self) -> str:
        """The tables."""
        return "\n\n".join([*self._levels(), self._where(), *self._complaints()]) + "\n"

    def write(self, path: Path) -> None:
        """The tables as the head of a page of the documentation."""
        script = self.script
        put(
            path,
            HEAD,
            "# Benchmarks\n\n"
            f"Written by `python -m tests.bench.chat{' --first' if self.came_first else ''} --write` "
            f"({datetime.now(UTC):%Y-%m-%d}); what it means is in [ADR 14](adr/0014-hot-path.md).\n\n"
            "People ask, read to the end and ask again, each in a new session, with a question nobody has asked "
            f"before. The fake model begins after {script.first_token * _MILLI:.0f} ms and writes {script.tokens} "
            f"tokens, one every {script.between * _MILLI:.0f} ms. Eloquent runs as with `make run`: a process of each "
            "service, Valkey with its append-only file, PostgreSQL with fsync, answers stored, citations resolved. The "
            "monolith (`tests/bench/monolith.py`) passes the same stream on and keeps nothing. Both run in turn on "
            f"the same machine: 2 cores, shared with the load generator and the fake model.{self._rank()}\n\n"
            "*Added* is the time to the first text beyond the model's own. *Pace* is tokens a second of a chat, "
            "beginning with the question, as a share of the ideal. *CPU* is user and system time of all processes of "
            "the side, databases included; *memory* their proportional set size.\n\n" + self.markdown(),
        )

    def _rank(self) -> str:
        if not self.came_first:
            return ""
        return (
            " All of these processes, of both sides, ran with real-time scheduling (`--first`), so that other work on "
            "the machine could not come between."
        )

    def _levels(self) -> list[str]:
        blocks = []
        for people in sorted({window.people for window in self.windows}):
            rows = [self._row(people, side) for side in dict.fromkeys(window.side for window in self.windows)]
            first, *others = rows
            ratios = [
                "| " + " | ".join([f"ratio to {other[0]}", *map(_ratio, first[1:], other[1:])]) + " |"
                for other in others
            ]
            ideal = people / self.script.seconds
            head = (
                f"### {people} at once (ideal {ideal:.1f} chats/s)\n\n"
                "| | chats | added p50 ms | p95 | p99 | pace | chats/s | CPU ms a chat | memory MB |\n"
                "|---|---|---|---|---|---|---|---|---|\n"
            )
            blocks.append(head + "\n".join([*map(_line, rows), *ratios]))
        return blocks

    def _row(self, people: int, side: str) -> tuple[str, int, float, float, float, float, float, float, float]:
        windows = [window for window in self.windows if (window.people, window.side) == (people, side)]
        added = [seconds for window in windows for seconds in window.seen.added_seconds]
        whole = [seconds for window in windows for seconds in window.seen.whole_seconds]
        p50, p95, p99 = (np.percentile(added, p) * _MILLI if added else float("nan") for p in (50, 95, 99))
        chats = sum(map(self._chats, windows))
        cpu = sum(sum(window.cpu_seconds.values()) for window in windows)
        memory = max(sum(window.memory_bytes.values()) for window in windows)
        return (
            side,
            len(added),
            float(p50),
            float(p95),
            float(p99),
            self.script.seconds / float(np.mean(whole)) if whole else float("nan"),
            chats / sum(window.seconds for window in windows),
            cpu / chats * _MILLI if chats else float("nan"),
            memory / _MEGABYTE,
        )

    def _chats(self, window: Window) -> float:
        # By text, not by ends: parts of chats that lie in the window count as parts.
        return window.seen.characters / len(self.script.text)

    def _where(self) -> str:
        """CPU per chat of each process."""
        first = self.windows[0].side
        levels = sorted({window.people for window in self.windows})
        names = list(self.windows[0].cpu_seconds)
        lines = [
            "### Where Eloquent's CPU goes (ms a chat)\n",
            "| at once | " + " | ".join([*names, "load generator", "fake model"]) + " |",
            "|---" * (len(names) + 3) + "|",
        ]
        for people in levels:
            windows = [window for window in self.windows if (window.people, window.side) == (people, first)]
            chats = sum(map(self._chats, windows)) or float("nan")
            parts = [sum(window.cpu_seconds[name] for window in windows) for name in names]
            parts += [sum(w.load_cpu_seconds for w in windows), sum(w.model_cpu_seconds for w in windows)]
            lines.append(f"| {people} | " + " | ".join(f"{part / chats * _MILLI:.2f}" for part in parts) + " |")
        lines.append("")
        busiest = max(window.load_cpu_seconds / window.seconds for window in self.windows)
        others = sum(window.other_cpu_seconds for window in self.windows) / sum(w.seconds for w in self.windows)
        lines.append(
            f"The load generator never took more than {busiest:.0%} of a core. Whatever else ran on the machine took "
            f"{others:.0%} of a core on average."
        )
        return "\n".join(lines)

    def _complaints(self) -> Sequence[str]:
        counted = Counter(self.failures)
        if not counted:
            return []
        return [
            "Chats failed:\n\n" + "\n".join(f"- {times} x {what.strip()}" for what, times in counted.most_common(10))
        ]


def _line(row: tuple[str, int, float, float, float, float, float, float, float]) -> str:
    side, chats, p50, p95, p99, pace, rate, cpu, memory = row
    return (
        f"| {side} | {chats} | {p50:.1f} | {p95:.1f} | {p99:.1f} | {pace:.1%} | {rate:.1f} | {cpu:.2f} | {memory:.0f} |"
    )


def _ratio(ours: float, theirs: float) -> str:
    return f"{ours / theirs:.2f}" if theirs > 0 else "-"
