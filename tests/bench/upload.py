"""What a large upload takes of memory: `python -m tests.bench.upload [--megabytes 100]`.

Real processes. A DOCX with a large picture is sent through the ingest api, then another one straight to the blob
store with a form; the most that the api, the worker and its parsers held is compared with what they held before.
"""

import argparse
import asyncio
import os
import tempfile
import time
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import psutil

from deploy.local.documents import follow, upload
from libs.tasks import end_tasks
from tests.bench.ingest import Target, everything
from tests.unit.ingest.files import a_docx

MIB = 1024 * 1024
LOOK_SECONDS = 0.01
THROUGH = "through the api"


def _resident(pids: list[int]) -> int:
    total = 0
    for pid in pids:
        try:
            total += psutil.Process(pid).memory_info().rss
        except psutil.NoSuchProcess:  # a parser that has ended
            continue
    return total


def _held(target: Target) -> dict[str, int]:
    worker = psutil.Process(target.pids["ingest-worker"])
    parsers = [child.pid for child in worker.children(recursive=True)]
    return {
        "api": _resident([target.pids["ingest-api"]]),
        "worker": _resident([worker.pid]),
        "parsers": _resident(parsers),
    }


@asynccontextmanager
async def most(target: Target) -> AsyncIterator[dict[str, int]]:
    """The most that each held while the block ran, in bytes."""
    found = _held(target)

    async def look() -> None:
        while True:
            for name, held in _held(target).items():
                found[name] = max(found[name], held)
            await asyncio.sleep(LOOK_SECONDS)

    async with asyncio.TaskGroup() as tasks:
        looking = tasks.create_task(look())
        yield found
        await end_tasks(looking)


def a_large_docx(path: Path, *, size: int, text: str) -> None:
    """A document of one paragraph and one picture of so many bytes that do not compress."""
    path.write_bytes(a_docx(title=text))
    with zipfile.ZipFile(path, "a") as archive, archive.open("word/media/picture.bin", "w") as picture:
        for _ in range(0, size, MIB):
            picture.write(os.urandom(MIB))


async def measure(megabytes: int, folder: Path) -> None:
    """Run it and print the report."""
    async with everything(folder, chunk_tokens=200, settings={}) as target, httpx.AsyncClient(trust_env=False) as http:
        for name, size in (("warm", MIB), *((way, megabytes * MIB) for way in (THROUGH, "straight to the store"))):
            path = folder / f"{name.replace(' ', '-')}.docx"
            await asyncio.to_thread(a_large_docx, path, size=size, text=name)
            before, begun = _held(target), time.monotonic()
            async with most(target) as found:
                direct = 2 * size if name == THROUGH else 1
                document = await upload(
                    http, target.api, path, token=target.token, collection="public", direct_bytes=direct
                )
                sent = time.monotonic() - begun
                async for one in follow(http, target.api, document["id"], token=target.token):
                    document = one
            if name == "warm":
                continue
            more = {part: (found[part] - before[part]) / MIB for part in found}
            said = ", ".join(f"{part} {value:+.0f} MiB" for part, value in more.items())
            print(f"{megabytes} MB {name}: {said}; sent in {sent:.1f} s, {document['status']}")
            print(f"  api and worker together {more['api'] + more['worker']:+.0f} MiB")


def main() -> None:
    """Measure, as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--megabytes", type=int, default=95)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="eloquent-bench-") as folder:
        Path(folder).chmod(0o711)
        asyncio.run(measure(options.megabytes, Path(folder)))


if __name__ == "__main__":
    main()
