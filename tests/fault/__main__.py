"""The table of faults, row by row: `python -m tests.fault [--row N] [--seed N] [--chats N] [--runs N]`."""

import argparse
import asyncio
import os
import secrets
import sys
import time
from collections.abc import Sequence

from tests.fault.cluster import Cluster, running_cluster
from tests.fault.report import Report
from tests.fault.rows import MUTANTS, ROWS, mutant, row
from tests.fault.run import Plan, carry_out
from tests.fault.summary import Summary
from tests.fault.timings import HEADER, measure_all

SEED_BITS = 24
MOST_MINUTES = 28.0
"""Of the whole table; the last run may take two minutes more."""


async def run_all(
    rows: Sequence[int], mutants: Sequence[str], *, seed: int, chats: int, runs: int, minutes: float
) -> Summary:
    """What was found; it is printed as it happens. What has not begun within `minutes` is left."""
    summary, began = Summary(), time.monotonic()
    due = [(f"row {number}", seed + n, row(number, chats)) for n in range(runs) for number in rows]
    flaws = [(f"flaw {name}", name, mutant(name)) for name in mutants]
    async with running_cluster() as (cluster, tasks):
        for what, its_seed, plan in due:
            if _is_late(began, minutes):
                summary.left.append(f"{what} FAULT_SEED={its_seed}")
                continue
            report = await _carried_out(plan, its_seed, cluster, tasks)
            summary.add(report)
            print(report.text() if report.violations else report.line(), flush=True)
        for what, name, plan in flaws:
            if _is_late(began, minutes):
                summary.left.append(what)
                continue
            report = await carry_out(plan, seed, cluster, tasks)
            summary.add_flaw(name, report)
            print(_noticed(report), flush=True)
    summary.seconds = time.monotonic() - began
    return summary


async def _carried_out(plan: Plan, seed: int, cluster: Cluster, tasks: asyncio.TaskGroup) -> Report:
    try:
        return await carry_out(plan, seed, cluster, tasks)
    except TimeoutError as error:
        # One row that cannot begin is no reason to leave the others.
        return Report(plan.title, seed, violations=[str(error)])


def _is_late(began: float, minutes: float) -> bool:
    return time.monotonic() > began + 60 * minutes


async def print_timings(seed: int) -> None:
    """The table of times, line by line as they are measured."""
    print(HEADER, flush=True)
    async with running_cluster() as (cluster, tasks):
        async for measured in measure_all(cluster, tasks, seed=seed):
            print(measured.line(), flush=True)


def _noticed(report: Report) -> str:
    if not report.violations:
        return f"NOT NOTICED: {report.line()}"
    return f"noticed, as it must be: {report.line()}\n  for example: {report.violations[0][:300]}"


def main() -> None:
    """Exit code 1 when a promise was broken, a broken one went unnoticed, or there was no time to look."""
    parser = argparse.ArgumentParser(prog="python -m tests.fault", description=__doc__)
    parser.add_argument("--row", type=int, action="append", choices=ROWS, help="only this row; may be given again")
    parser.add_argument("--mutant", action="append", choices=MUTANTS, help="only this mutant; may be given again")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("FAULT_SEED") or secrets.randbits(SEED_BITS)))
    parser.add_argument("--chats", type=int, default=200)
    parser.add_argument(
        "--minutes", type=float, default=MOST_MINUTES, help="what has not begun by then is left, and fails"
    )
    parser.add_argument("--runs", type=int, default=1, help="how often, each with the next seed")
    parser.add_argument("--timings", action="store_true", help="measure how long takeovers, cancels and resumes take")
    given = parser.parse_args()
    chosen = bool(given.row or given.mutant)
    rows, mutants = given.row or [], given.mutant or []
    print(f"FAULT_SEED={given.seed}", flush=True)
    if given.timings:
        asyncio.run(print_timings(given.seed))
        return
    summary = asyncio.run(
        run_all(
            rows if chosen else ROWS,
            mutants if chosen else MUTANTS,
            seed=given.seed,
            chats=given.chats,
            runs=given.runs,
            minutes=given.minutes,
        )
    )
    print(summary.text(), flush=True)
    sys.exit(0 if summary.is_good else 1)


if __name__ == "__main__":
    main()
