"""What tracing costs: `python -m tests.bench.tracing`, CPU of a chat without it, with one trace in twenty, with all.

Three runs of everything are up all the time and take turns, so that a slow minute of the machine meets all of them;
what they say of each other is a ratio. Their collector only counts what it is sent.
"""

import argparse
import asyncio
import os
import shutil
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median

from tests.bench.chat import in_turn
from tests.bench.load import Script
from tests.bench.report import Window
from tests.bench.sides import Side, eloquent, fake_model
from tests.traces.collector import Collector, collecting

SHARES = {"off": None, "5 %": 0.05, "100 %": 1.0}
Windows = dict[str, list[Window]]


async def measured(*, people: int, rounds: int, seconds: float, comes_first: bool) -> tuple[Windows, Collector]:
    """The windows of each side, in turn."""
    if comes_first:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    script = Script()
    windows: Windows = {name: [] for name in SHARES}
    folder = Path(tempfile.mkdtemp(prefix="eloquent-bench-"))
    folder.chmod(0o711)
    try:
        with collecting() as collector:
            async with AsyncExitStack() as stack:
                model_url, model_pid = await stack.enter_async_context(fake_model(script, folder))
                sides: dict[str, Side] = {}
                for name, share in SHARES.items():
                    own = folder / str(len(sides))
                    own.mkdir(mode=0o711)
                    sides[name] = await stack.enter_async_context(
                        eloquent(model_url, people, own, settings=_settings(share, collector))
                    )
                for side in sides.values():
                    await in_turn(side, 2, 0.5, script, model_pid)
                for _ in range(rounds):
                    for name, side in sides.items():
                        windows[name].append(await in_turn(side, people, seconds, script, model_pid))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return windows, collector


def _settings(share: float | None, collector: Collector) -> dict[str, str]:
    if share is None:
        return {}
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "TRACING_SAMPLE_RATIO": str(share)}


def cpu_milliseconds(window: Window) -> float:
    """Of a chat, over all processes that are ours."""
    ours = sum(seconds for name, seconds in window.cpu_seconds.items() if name not in {"valkey", "postgres"})
    return 1000 * ours * len(Script().text) / window.seen.characters


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--people", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--window", type=float, default=6.0, help="seconds")
    parser.add_argument("--first", action="store_true", help="before other work on the machine, as root on Linux")
    given = parser.parse_args()
    windows, collector = asyncio.run(
        measured(people=given.people, rounds=given.rounds, seconds=given.window, comes_first=given.first)
    )
    off = [cpu_milliseconds(window) for window in windows["off"]]
    print("| traced | CPU of a chat, ms | of that without, in each round |\n|---|---|---|")
    for name, found in windows.items():
        cost = [cpu_milliseconds(window) for window in found]
        ratios = " ".join(f"{one / base:.2f}" for one, base in zip(cost, off, strict=True))
        print(f"| {name} | {median(cost):.1f} | {ratios} |")
    traces = collector.traces().values()
    print(f"\n{sum(len(trace.spans) for trace in traces) / max(len(traces), 1):.0f} spans a trace")
    print("failures:", sum(len(window.seen.failures) for found in windows.values() for window in found))


if __name__ == "__main__":
    main()
