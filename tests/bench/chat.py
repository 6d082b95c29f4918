"""Eloquent beside a monolith under the same load: `python -m tests.bench.chat` (`make bench`).

Both sides are up all the time and take turns, round after round, so that a slow minute of the machine meets both.
Everything runs on the loopback interface in processes of its own; see `docs/benchmarks.md` for what the figures mean.
"""

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import uvloop

from deploy.local.state import ROOT
from tests.bench.load import Load, Script, Seen
from tests.bench.report import Report, Window
from tests.bench.sides import Side, eloquent, fake_model, monolith
from tests.bench.usage import Usage, machine_cpu_seconds

PAGE = ROOT / "docs" / "benchmarks.md"
FEW = 10
"""Up to so many people a window takes longer: few chats make poor percentiles."""


@dataclass(frozen=True)
class Plan:
    """What to measure.

    Attributes:
        levels: how many people ask at once.
        rounds: how often the sides take turns at each level.
        window_seconds: how long they are measured.
        few_seconds: how long where only few people ask.
        by_hand: also against a monolith without the SDK.
        alone: without any monolith.
        profile: folder for py-spy's records of Eloquent's processes.
        comes_first: all that is measured, on either side, runs before whatever else the machine has to do.
    """

    levels: tuple[int, ...] = (1, 50, 100, 300)
    rounds: int = 2
    window_seconds: float = 7.0
    few_seconds: float = 12.0
    script: Script = Script()  # noqa: RUF009 - frozen
    by_hand: bool = False
    alone: bool = False
    profile: Path | None = None
    comes_first: bool = False


QUICK = Plan(levels=(1, 50), rounds=1, window_seconds=2.5, few_seconds=2.5)


async def measure(plan: Plan) -> Report:
    """The report of a whole run; every process it started has ended."""
    report = Report(plan.script, came_first=plan.comes_first)
    if plan.comes_first:
        # Of equal rank among themselves; the processes that are started from here on inherit it.
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    folder = Path(tempfile.mkdtemp(prefix="eloquent-bench-"))
    # As root PostgreSQL is somebody else, who must walk through.
    folder.chmod(0o711)
    people = max(plan.levels)
    try:
        async with AsyncExitStack() as stack:
            model_url, model_pid = await stack.enter_async_context(fake_model(plan.script, folder))
            sides = [await stack.enter_async_context(eloquent(model_url, people, folder))]
            if not plan.alone:
                way = monolith("monolith", model_url, people, folder, by_hand=False)
                sides.append(await stack.enter_async_context(way))
            if plan.by_hand:
                way = monolith("monolith by hand", model_url, people, folder, by_hand=True)
                sides.append(await stack.enter_async_context(way))
            for side in sides:
                await in_turn(side, 2, 0.5, plan.script, model_pid)
            for _ in range(plan.rounds):
                for level in plan.levels:
                    seconds = plan.few_seconds if level <= FEW else plan.window_seconds
                    for side in sides:
                        async with _profiled(side, seconds, plan.profile):
                            report.windows.append(await in_turn(side, level, seconds, plan.script, model_pid))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return report


async def in_turn(side: Side, people: int, seconds: float, script: Script, model_pid: int) -> Window:
    """One side under load, in a loop of its own."""
    # uvloop makes the cheaper client, but cannot start PostgreSQL as another user: it has a thread of its own.
    return await asyncio.to_thread(lambda: uvloop.run(_window(side, people, seconds, script, model_pid)))


async def _window(side: Side, people: int, seconds: float, script: Script, model_pid: int) -> Window:
    load = Load(side.url, side.tokens[:people], script)
    theirs, model = Usage(side.pids), Usage({"model": model_pid})
    running = asyncio.create_task(load.run())
    # Everybody has come, and the first answers flow.
    await asyncio.sleep(script.seconds + script.first_token)
    seen = load.open_window = Seen()
    before, model_before, own_before = theirs.cpu_seconds(), model.cpu_seconds(), time.process_time()
    machine_before = machine_cpu_seconds()
    begun = time.perf_counter()
    await asyncio.sleep(seconds)
    lasted = time.perf_counter() - begun
    own = time.process_time() - own_before
    machine = machine_cpu_seconds() - machine_before
    after, model_after = theirs.cpu_seconds(), model.cpu_seconds()
    memory = theirs.memory_bytes()
    characters = seen.characters
    load.stop()
    await running
    seen.characters = characters
    load.open_window = None
    used = {name: after[name] - before[name] for name in before}
    model_used = model_after["model"] - model_before["model"]
    return Window(
        side=side.name,
        people=people,
        seconds=lasted,
        seen=seen,
        cpu_seconds=used,
        memory_bytes=memory,
        load_cpu_seconds=own,
        model_cpu_seconds=model_used,
        other_cpu_seconds=max(0.0, machine - sum(used.values()) - own - model_used),
    )


@asynccontextmanager
async def _profiled(side: Side, seconds: float, folder: Path | None) -> AsyncIterator[None]:
    """Where the Python processes of a side spend their time, for speedscope and as lines of stacks."""
    if folder is None:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    spy = Path(sys.executable).with_name("py-spy")
    options = ("-d", str(round(seconds)), "-r", "250", "-f", "raw")
    records = [
        await asyncio.create_subprocess_exec(
            *(str(spy), "record", *options, "-o", str(folder / f"{name}.txt"), "-p", str(pid)),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        for name, pid in side.pids.items()
        if name not in {"valkey", "postgres"}
    ]
    yield
    await asyncio.gather(*(record.wait() for record in records))


def parse(arguments: Sequence[str]) -> tuple[Plan, bool]:
    """The plan of a command line, and whether to write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="half a minute instead of four")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)}")
    parser.add_argument("--levels", type=int, nargs="+", help="how many ask at once")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--window", type=float, help="seconds")
    parser.add_argument("--by-hand", action="store_true", help="also against a monolith without the SDK")
    parser.add_argument("--alone", action="store_true", help="without the monolith")
    parser.add_argument("--profile", type=Path, help="folder for py-spy's records of the processes")
    parser.add_argument(
        "--first", action="store_true", help="before other work on the machine: real-time scheduling, Linux, as root"
    )
    options = parser.parse_args(arguments)
    plan = QUICK if options.quick else Plan()
    plan = replace(
        plan, by_hand=options.by_hand, alone=options.alone, profile=options.profile, comes_first=options.first
    )
    if options.levels:
        plan = replace(plan, levels=tuple(options.levels))
    if options.rounds:
        plan = replace(plan, rounds=options.rounds)
    if options.window:
        plan = replace(plan, window_seconds=options.window, few_seconds=options.window)
    return plan, options.write


def main() -> None:
    """Measure and print."""
    plan, writes = parse(sys.argv[1:])
    report = asyncio.run(measure(plan))
    print(report.markdown())
    if writes:
        report.write(PAGE)
    if report.failures_of(report.windows[0].side):
        sys.exit(1)


if __name__ == "__main__":
    main()
