"""`python -m tests.fault [--row N] [--seed N] [--chats N] [--runs N]`: the table of faults, row by row."""

import argparse
import asyncio
import os
import secrets
import sys

from tests.fault.cluster import running_cluster
from tests.fault.rows import ROWS, row
from tests.fault.run import carry_out

SEED_BITS = 24


async def run_rows(numbers: list[int], *, seed: int, chats: int, runs: int) -> bool:
    """Whether there was no violation; what happened is printed as it happens."""
    good = True
    async with running_cluster() as (cluster, tasks):
        for n in range(runs):
            for number in numbers:
                report = await carry_out(row(number, chats), seed + n, cluster, tasks)
                good &= not report.violations
                print(report.text() if report.violations else report.line(), flush=True)
    return good


def main() -> None:
    """Exit code 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.fault", description=__doc__)
    parser.add_argument("--row", type=int, action="append", choices=ROWS, help="only this row; may be given again")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("FAULT_SEED") or secrets.randbits(SEED_BITS)))
    parser.add_argument("--chats", type=int, default=200)
    parser.add_argument("--runs", type=int, default=1, help="how often, each with the next seed")
    given = parser.parse_args()
    print(f"FAULT_SEED={given.seed}", flush=True)
    good = asyncio.run(run_rows(given.row or list(ROWS), seed=given.seed, chats=given.chats, runs=given.runs))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
