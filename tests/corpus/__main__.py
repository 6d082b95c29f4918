"""`python -m tests.corpus [--count 300] [--shipped 300] [--seed 1] [--no-bombs]`: reads files, says how they ended."""

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from itertools import chain
from pathlib import Path

from ingest_service.parsing.sandbox import Sandbox
from ingest_service.parsing.wire import Limits, Rules
from tests.corpus.bombs import BOMBS
from tests.corpus.corpus import Fate, Sample, fates, samples
from tests.corpus.shipped import shipped

HONEST_REFUSED = 1


def show(found: list[Fate], *, seconds: float) -> int:
    """Print the table; the exit code says whether an honest file was refused."""
    reasons = Counter(fate.code or "read" for fate in found)
    for reason, count in reasons.most_common():
        print(f"{count:5}  {reason}")
    print("\nthe slowest:")
    for fate in sorted(found, key=lambda fate: -fate.seconds)[:5]:
        print(f"{fate.seconds:6.1f} s  {fate.sample.name} ({fate.sample.history}): {fate.code or fate.chunks}")
    refused = [fate for fate in found if fate.sample.history == "honest" and fate.code]
    for fate in refused:
        print(f"honest and refused: {fate.sample.name}: {fate.message}")
    print(f"\n{len(found)} files in {seconds:.0f} s, no hang, no death of the parser server")
    return HONEST_REFUSED if refused else 0


async def run(count: int, *, packaged: int, seed: int, bombs: bool) -> int:
    """The exit code."""
    rules = Rules(Limits(), chunk_tokens=200, tokenizer_file=None, embedding_model="any")
    begun = time.monotonic()
    dangerous = (Sample(name, make(), "bomb") for name, make in BOMBS.items()) if bombs else ()
    with tempfile.TemporaryDirectory() as folder:
        async with Sandbox(rules, concurrency=2) as sandbox:
            found = []
            files = chain(samples(count, seed=seed), shipped(packaged, seed=seed), dangerous)
            async for fate in fates(files, sandbox, folder=Path(folder)):
                found.append(fate)
                if fate.sample.history == "bomb":
                    print(f"{fate.seconds:6.1f} s  {fate.sample.name}: {fate.message or f'{fate.chunks} chunks'}")
    return show(found, seconds=time.monotonic() - begun)


def main() -> int:
    """As the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.corpus")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--shipped", type=int, default=300, help="files that installed packages bring along")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-bombs", action="store_true")
    given = parser.parse_args()
    return asyncio.run(run(given.count, packaged=given.shipped, seed=given.seed, bombs=not given.no_bombs))


if __name__ == "__main__":
    sys.exit(main())
