"""The corpus: so many files of a seed, honest, damaged and misnamed; and what became of them."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from random import Random
from typing import NamedTuple

from ingest_service.parsing.parsed import UnreadableError
from ingest_service.parsing.sandbox import Sandbox
from ingest_service.parsing.sniff import sniff
from tests.corpus.damage import DAMAGES
from tests.corpus.honest import HONEST, Writer

OF_HONEST = 0.4
OF_MISNAMED = 0.1
"""The rest is damaged."""


class Sample(NamedTuple):
    """A file, and what was done to it."""

    name: str
    content: bytes
    history: str


class Fate(NamedTuple):
    """What became of a file: chunks, or a reason."""

    sample: Sample
    chunks: int
    code: str
    message: str
    seconds: float


def samples(count: int, *, seed: int) -> Iterator[Sample]:
    """Files of all formats in turn."""
    random = Random(seed)
    suffixes = list(HONEST)
    for number in range(count):
        suffix = suffixes[number % len(suffixes)]
        content = HONEST[suffix](Writer(random))
        chance = random.random()
        if chance < OF_HONEST:
            yield Sample(f"{number}{suffix}", content, "honest")
        elif chance < OF_HONEST + OF_MISNAMED:
            other = random.choice([name for name in suffixes if name != suffix])
            yield Sample(f"{number}{other}", content, f"{suffix} misnamed")
        else:
            damage = random.choice(DAMAGES)
            yield Sample(f"{number}{suffix}", damage(content, random), damage.__name__)


async def fates(files: Iterable[Sample], sandbox: Sandbox, *, folder: Path) -> AsyncIterator[Fate]:
    """Each file's, one after the other, as upload and worker treat it.

    Raises:
        TransientError: the parser server died, which no file may cause.
    """
    for sample in files:
        path = folder / "file"
        await asyncio.to_thread(path.write_bytes, sample.content)
        begun = time.monotonic()
        try:
            media_type = sniff(path, sample.name)
            size = len(sample.content)
            _, chunks = await sandbox.read(path, media_type=media_type, size_bytes=size, on_text=_noted)
            yield Fate(sample, len(chunks), "", "", time.monotonic() - begun)
        except UnreadableError as error:
            yield Fate(sample, 0, error.code, error.message, time.monotonic() - begun)


async def _noted() -> None:
    """Nobody waits for it."""
