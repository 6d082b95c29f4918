"""`python -m tests.rights --steps 10000`: random steps until there are enough, and every planted leak.

Starts PostgreSQL and Valkey of its own.
"""

import argparse
import asyncio
import random
import time

from tests.bench.retrieval import servers
from tests.rights.leaks import LEAKS
from tests.rights.walk import walk

WALKS_AT_ONCE = 50


def search(database_url: str, redis_url: str, *, steps: int, chance: int) -> None:
    """Walk so many steps, then through each leak until it is found.

    Raises:
        AssertionError: something was shown that may not be.
        SystemExit: a leak was not found.
    """
    begun, taken, rounds = time.monotonic(), 0, 0
    while taken < steps:
        taken += walk(database_url, redis_url, walks=WALKS_AT_ONCE, chance=chance + rounds)
        rounds += 1
        print(f"{taken} steps, {time.monotonic() - begun:.0f} s, no leak", flush=True)
    for name, parts in LEAKS.items():
        begun = time.monotonic()
        try:
            walk(database_url, redis_url, walks=500, chance=chance, shrinks=False, **parts)
        except AssertionError:
            print(f"planted and found in {time.monotonic() - begun:.1f} s: {name}", flush=True)
        else:
            raise SystemExit(f"planted and not found: {name}")


async def main() -> None:
    """As the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.rights", description=__doc__)
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))  # noqa: S311 - printed, to be repeated
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    async with servers() as (redis_url, database_url):
        # The walks have a loop of their own, this one keeps the servers.
        await asyncio.to_thread(search, database_url, redis_url, steps=arguments.steps, chance=arguments.seed)


if __name__ == "__main__":
    asyncio.run(main())
