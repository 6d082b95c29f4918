"""`python -m deploy.scaling [--write | --load FILE]`: production's policies against load, as docs/scaling.md has it."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deploy.cdk.config import PRODUCTION
from deploy.scaling.chain import declared, mutated, run
from deploy.scaling.loads import SHAPES, Shape, arrivals, recorded
from deploy.scaling.text import AFTER, BEFORE, policies
from deploy.scaling.worker import Outcome

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "scaling.md"
VARIANTS: dict[str, dict[str, Any]] = {
    "as declared": {},
    "by the backlog and what is in hand alone": {"cpu_percent": None},
    "by the backlog alone": {"cpu_percent": None, "blind": True},
    "four tasks at least": {"smallest": 4},
}
_SPARKS = "▁▂▃▄▅▆▇█"


def sparks(outcome: Outcome, largest: int, *, columns: int = 45) -> str:
    """The number of tasks over time, as a line of bars."""
    every = max(1, len(outcome.tasks) // columns)
    return "".join(
        _SPARKS[min(len(_SPARKS) - 1, tasks * len(_SPARKS) // (largest + 1))] for tasks in outcome.tasks[::every]
    )


def tables(loads: dict[str, tuple[Shape, int]]) -> Iterator[str]:
    """A table for each load and variant, line by line."""
    for load, (shape, seconds) in loads.items():
        yield f"### {load.capitalize()}"
        yield ""
        yield "| scaled | worker | wait p95 s | longest s | tasks | turns | refused | tasks over time |"
        yield "|---|---|---|---|---|---|---|---|"
        for name, changes in VARIANTS.items():
            print(f"{load}, {name}", file=sys.stderr)
            workers = mutated(declared(PRODUCTION), **changes)
            outcomes = run(arrivals(shape, seconds), workers, PRODUCTION, seconds=seconds)
            yield from _rows(name, outcomes, PRODUCTION.largest)
        yield ""


def _rows(name: str, outcomes: dict[str, Outcome], largest: int) -> Iterator[str]:
    for number, (worker, outcome) in enumerate(outcomes.items()):
        refused = outcome.refused / (outcome.refused + len(outcome.waits))
        yield (
            f"| {'' if number else name} | {worker} | {outcome.wait_p95:.1f} | {max(outcome.waits):.0f} "
            f"| {min(outcome.tasks)} to {max(outcome.tasks)} | {outcome.turns} | {refused:.1%} "
            f"| {sparks(outcome, largest)} |"
        )


def main() -> int:
    """Print the tables, or write the document."""
    parser = argparse.ArgumentParser(prog="python -m deploy.scaling", description="Try the scaling policies.")
    parser.add_argument("--write", action="store_true", help="write docs/scaling.md")
    parser.add_argument("--load", type=Path, help="a recorded load: a line a minute, its last column the questions")
    arguments = parser.parse_args()
    if arguments.load:
        print(*tables({f"recorded in {arguments.load.name}": recorded(arguments.load)}), sep="\n")
        return 0
    text = "\n".join([BEFORE, *policies(PRODUCTION), "", *tables(SHAPES), AFTER])
    if arguments.write:
        DOCUMENT.write_text(text)
    else:
        print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
