"""How true the time left is: `python -m tests.bench.time_left [--case NAME]`.

Real processes, and a model that takes its time or allows only so much. What a document says of its time left once a
fifth of it is embedded, and at every later look up to four fifths, is held against what it took.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import httpx

from tests.bench.ingest import Target, everything, made_up

LOOK_SECONDS = 0.2
CHUNK_TOKENS = 200
WORDS_A_CHUNK = 110
"""Of the sample texts, about."""
FROM, UNTIL = 0.2, 0.8
FINAL = {"searchable", "failed"}
UNLIMITED = {"tokens_per_second": 0, "tokens_at_once": 0}


class Case(NamedTuple):
    """Documents that are uploaded at once, in this order, of about so many chunks, and how the model is meanwhile."""

    chunks: tuple[int, ...]
    model: Mapping[str, float]
    workers: int = 1


class Look(NamedTuple):
    """A document at a moment."""

    at: float
    share: float
    left: float | None


CASES = {
    "one of 400": Case((400,), {"embed_seconds": 1.0}),
    "one of 1,500": Case((1500,), {"embed_seconds": 0.8}),
    "one of 5,000": Case((5000,), {"embed_seconds": 0.4}),
    "eight of 400": Case((400,) * 8, {"embed_seconds": 1.0}),
    "one of 1,500, a minute's limit": Case(
        (1500,), {"embed_seconds": 0.3, "tokens_per_second": 2000, "tokens_at_once": 90_000}
    ),
    "one of 1,500, rate limit": Case((1500,), {"embed_seconds": 0.3, "tokens_per_second": 9000}),
    "large among small, rate limit": Case((1500, *(60,) * 20), {"embed_seconds": 0.3, "tokens_per_second": 9000}),
    "four of 400, rate limit": Case((400,) * 4, {"embed_seconds": 0.3, "tokens_per_second": 6000}),
    "eight of 400, after a rate limit": Case((400,) * 8, {"embed_seconds": 1.0}),
    "twelve of 400, two workers": Case((400,) * 12, {"embed_seconds": 1.0}, workers=2),
    "large among small, a minute's limit, two workers": Case(
        (1500, *(60,) * 40), {"embed_seconds": 0.3, "tokens_per_second": 5000, "tokens_at_once": 60_000}, workers=2
    ),
}


async def looked_at(target: Target, case: Case) -> Mapping[UUID, Sequence[Look]]:
    """The documents' looks, oldest first, the last of each at its end."""
    looks: dict[UUID, list[Look]] = defaultdict(list)
    headers = {"authorization": f"Bearer {target.token}"}
    async with httpx.AsyncClient(trust_env=False, timeout=60, base_url=target.api, headers=headers) as http:
        await http.post(f"{target.model.removesuffix('/v1')}/control", json={**UNLIMITED, **case.model})
        waiting: set[str] = set()
        for number, chunks in enumerate(case.chunks):
            text = made_up(1, words=chunks * WORDS_A_CHUNK, seed=time.monotonic_ns())[0]
            file = {"file": (f"{number}-{time.monotonic_ns()}.md", text.encode(), "text/markdown")}
            response = await http.post("/v1/documents", files=file)
            waiting.add(response.raise_for_status().json()["id"])
        while waiting:
            await asyncio.sleep(LOOK_SECONDS)
            at = time.monotonic()
            for document in (await http.get("/v1/documents", params={"limit": 100})).json()["items"]:
                if document["id"] in waiting:
                    looks[UUID(document["id"])].append(_look(at, document))
                    waiting -= {document["id"]} if document["status"] in FINAL else set()
    return looks


def _look(at: float, document: Mapping[str, Any]) -> Look:
    progress = document["progress"]
    return Look(at, progress["done"] / progress["total"] if progress["total"] else 0.0, progress["seconds_left"])


def errors(looks: Sequence[Look]) -> list[float]:
    """Of each estimate after a fifth, as a share of what was left then: 0.3 is 30 % too long. Nobody waits a second."""
    end = looks[-1].at
    told = [look for look in looks if FROM <= look.share <= UNTIL and look.left is not None and end - look.at >= 1]
    return [(look.left or 0.0) / (end - look.at) - 1 for look in told]


async def measure(names: Sequence[str], folder: Path, *, is_wordy: bool) -> None:
    """Run the cases and print a line of each."""
    print(
        "| case | s | at a fifth: median | worst | until four fifths: within 30 % | worst |\n|---|---|---|---|---|---|"
    )
    for workers in sorted({CASES[name].workers for name in names}):
        async with everything(folder, chunk_tokens=CHUNK_TOKENS, settings={}, workers=workers) as target:
            for name in names:
                if CASES[name].workers == workers:
                    print(await _row(target, name, is_wordy=is_wordy), flush=True)


async def _row(target: Target, name: str, *, is_wordy: bool) -> str:
    begun = time.monotonic()
    looks = await looked_at(target, CASES[name])
    found = [one for one in map(errors, looks.values()) if one]
    if is_wordy:
        for one in looks.values():
            for look in one:
                left = "-" if look.left is None else f"{look.left:.1f}"
                print(f"{look.at - one[0].at:6.1f} {look.share:4.0%} {left:>6} {one[-1].at - look.at:6.1f}")
            print()
    every = [error for one in found for error in one]
    if not found:
        return f"| {name} | {time.monotonic() - begun:.0f} | never told | | | |"
    first = [one[0] for one in found]
    within = sum(abs(error) <= 0.3 for error in every) / len(every)
    return (
        f"| {name} | {time.monotonic() - begun:.0f} | {statistics.median(first):+.0%} "
        f"| {max(first, key=abs):+.0%} | {within:.0%} of {len(every)} | {max(every, key=abs):+.0%} |"
    )


def main() -> None:
    """Measure, as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--case", action="append", choices=[*CASES], help="this one alone; may come again")
    parser.add_argument(
        "--verbose", action="store_true", help="print each look: when, share, seconds told, seconds true"
    )
    options = parser.parse_args()
    # Not pytest's own folder: as root PostgreSQL is somebody else, and must be able to walk in.
    with tempfile.TemporaryDirectory(prefix="eloquent-bench-") as folder:
        Path(folder).chmod(0o711)
        asyncio.run(measure(options.case or [*CASES], Path(folder), is_wordy=options.verbose))


if __name__ == "__main__":
    main()
