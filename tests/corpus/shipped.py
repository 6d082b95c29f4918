"""Files that nobody made for us: what installed packages bring along, in the formats that we read."""

import sysconfig
from collections.abc import Iterator
from pathlib import Path
from random import Random

from tests.corpus.corpus import Sample

SUFFIXES = (".html", ".md", ".txt", ".csv", ".json", ".docx", ".pdf", ".pptx", ".xlsx", ".epub", ".eml", ".jsonl")
MAX_BYTES = 5_000_000


def shipped(count: int, *, seed: int) -> Iterator[Sample]:
    """So many of them, or all there are, the formats in turn; not always the same, for packages change."""
    chance = Random(seed)
    root = Path(sysconfig.get_paths()["purelib"])
    kinds = []
    for suffix in SUFFIXES:
        found = sorted(path for path in root.rglob(f"*{suffix}") if 0 < path.stat().st_size <= MAX_BYTES)
        chance.shuffle(found)
        kinds.append(found)
    for _ in range(count):
        kinds = [found for found in kinds if found]
        if not kinds:
            return
        path = kinds[0].pop()
        kinds = [*kinds[1:], kinds[0]]
        yield Sample(path.name, path.read_bytes(), "shipped")
