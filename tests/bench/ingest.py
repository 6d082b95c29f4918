"""What taking documents in costs: `python -m tests.bench.ingest [--documents 1000] [--chunk-tokens 200]`.

Real processes, the embedding model faked: the ingest api gets the documents over HTTP, the worker parses, cuts and
embeds them, PostgreSQL stores them. Compared with a bare script of tiktoken and COPY on the same texts in the same run.
"""

import argparse
import asyncio
import os
import random
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import asyncpg
import httpx

from deploy.local.environment import compose
from deploy.local.plan import PARTS, SERVICES, python_program
from deploy.local.ports import LOOPBACK, Ports
from deploy.local.program import free_port, running
from deploy.local.seed import editor_token
from deploy.local.state import ROOT, load_secrets
from libs.db.migrate import migrate, service_folders
from libs.llm.tokens import load_encoding
from tests.bench.knowledge import DIMENSIONS
from tests.bench.load import Script
from tests.bench.sides import answers, fake_model, process_of
from tests.bench.usage import Usage

OURS = ("ingest-api", "ingest-worker")
UPLOADS_AT_ONCE = 8
WARM_UP = 50
"""Documents before the measurement: imports, connections, the first fork."""
_LEFT = "SELECT count(*) FROM document_versions WHERE status NOT IN ('searchable', 'failed', 'replaced')"
_BARE_TABLE = "CREATE TABLE IF NOT EXISTS bare_chunks (document integer, ordinal integer, text text)"


@dataclass(frozen=True)
class Target:
    """The processes, ready.

    Attributes:
        pids: by name, servers included.
    """

    api: str
    model: str
    database: str
    token: str
    pids: Mapping[str, int]


@asynccontextmanager
async def everything(
    folder: Path, *, chunk_tokens: int, settings: Mapping[str, str], workers: int = 1
) -> AsyncIterator[Target]:
    """All that ingest needs, and nothing else; of several workers `pids` names the first."""
    ports = Ports(*(free_port() for _ in Ports.__dataclass_fields__))
    pids: dict[str, int] = {}
    async with AsyncExitStack() as stack:
        model_url, _ = await stack.enter_async_context(fake_model(Script(0, 0, 1), folder))
        given = {
            "PATH": os.environ["PATH"],
            "OPENAI_BASE_URL": model_url,
            "OPENAI_API_KEY": "none",
            "EMBEDDING_MODEL": "text-embedding-3-small",
            "EMBEDDING_DIMENSIONS": str(DIMENSIONS),
            "INGEST_CHUNK_TOKENS": str(chunk_tokens),
            "LOG_LEVEL": "WARNING",
            **settings,
        }
        made = compose(given, ports=ports, folder=folder, secrets=load_secrets(folder))
        valkey = replace(made.valkey, settings={"loglevel": "nothing"})
        pids["valkey"] = (await stack.enter_async_context(running(valkey))).pid
        pids["postgres"] = (await stack.enter_async_context(running(made.postgres))).pid
        await migrate(made.postgres.url, service_folders())
        for service in (*PARTS, *SERVICES):
            if service.name in {"identity", *OURS}:
                program = python_program(service, made.environment_of(service.name), ports)
                process = await stack.enter_async_context(process_of(program, folder))
                pids[service.name] = process.pid
                await answers(f"http://{LOOPBACK}:{service.port(ports)}/readyz", process)
        for _ in range(1, workers):
            more = replace(ports, ingest_worker=free_port())
            worker = next(service for service in SERVICES if service.name == "ingest-worker")
            program = python_program(worker, made.environment_of(worker.name), more)
            process = await stack.enter_async_context(process_of(program, folder))
            await answers(f"http://{LOOPBACK}:{more.ingest_worker}/readyz", process)
        async with httpx.AsyncClient(trust_env=False) as http:
            token = await editor_token(http, made.environment)
        yield Target(f"http://{LOOPBACK}:{ports.ingest_api}", model_url, made.postgres.url, token, pids)


def made_up(count: int, *, words: int = 560, seed: int = 4) -> list[str]:
    """Short Markdown documents of real sentences, no two alike."""
    chance = random.Random(seed)  # noqa: S311 - text, not a secret
    articles = sorted((ROOT / "deploy/local/knowledge").glob("*/*.md"))
    paragraphs = [part for path in articles for part in path.read_text().split("\n\n") if len(part) > 80]
    documents = []
    for number in range(count):
        parts, have = [f"# Guide {number}"], 3
        while have < words:
            if len(parts) % 4 == 1:
                parts.append(f"## Section {len(parts)} of {number}")
                have += 5
            parts.append(chance.choice(paragraphs))
            have += len(parts[-1].split())
        documents.append("\n\n".join(parts))
    return documents


async def upload_all(target: Target, texts: list[str], *, prefix: str) -> None:
    """Every text is a document of its own, accepted."""
    waiting = iter(enumerate(texts))
    headers = {"authorization": f"Bearer {target.token}"}
    async with httpx.AsyncClient(trust_env=False, timeout=60) as http:

        async def hand() -> None:
            for number, text in waiting:
                file = {"file": (f"{prefix}-{number}.md", text.encode(), "text/markdown")}
                (await http.post(f"{target.api}/v1/documents", headers=headers, files=file)).raise_for_status()

        async with asyncio.TaskGroup() as tasks:
            for _ in range(UPLOADS_AT_ONCE):
                tasks.create_task(hand())


async def until_done(database: asyncpg.Connection) -> None:
    """Every document has come to its end."""
    while await database.fetchval(_LEFT):
        await asyncio.sleep(0.2)


async def bare(database: asyncpg.Connection, texts: list[str], *, chunk_tokens: int) -> tuple[float, int]:
    """Processor seconds and chunks of the least that could be done."""
    encoding = load_encoding("cl100k_base")
    await database.execute(_BARE_TABLE)
    begun, chunks = time.process_time(), 0
    for number, text in enumerate(texts):
        tokens = encoding.encode_ordinary(text)
        pieces = [encoding.decode(tokens[at : at + chunk_tokens]) for at in range(0, len(tokens), chunk_tokens)]
        rows = [(number, ordinal, piece) for ordinal, piece in enumerate(pieces)]
        await database.copy_records_to_table("bare_chunks", records=rows)
        chunks += len(rows)
    return time.process_time() - begun, chunks


async def measure(options: argparse.Namespace, folder: Path) -> None:
    """Run it and print the report."""
    texts = made_up(options.documents)
    settings = dict(pair.split("=", 1) for pair in options.set)
    async with everything(folder, chunk_tokens=options.chunk_tokens, settings=settings) as target:
        database = await asyncpg.connect(target.database)
        await upload_all(target, made_up(WARM_UP, seed=5), prefix="warm")
        await until_done(database)
        usage = Usage(target.pids)
        before, memory, begun = usage.cpu_seconds(), usage.memory_bytes(), time.monotonic()
        at_start = await database.fetchval("SELECT count(*) FROM chunks")
        await upload_all(target, texts[: len(texts) // 2], prefix="a")
        half = usage.memory_bytes()
        await upload_all(target, texts[len(texts) // 2 :], prefix="b")
        await until_done(database)
        seconds, after, late = time.monotonic() - begun, usage.cpu_seconds(), usage.memory_bytes()
        chunks = await database.fetchval("SELECT count(*) FROM chunks") - at_start
        failed = await database.fetchval("SELECT count(*) FROM document_versions WHERE status = 'failed'")
        bare_seconds, bare_chunks = await bare(database, texts, chunk_tokens=options.chunk_tokens)
        await database.close()
    used = {name: 1000 * (after[name] - before[name]) / chunks for name in target.pids}
    print(f"{len(texts)} documents, {chunks} chunks of at most {options.chunk_tokens} tokens, {failed} failed")
    print(f"{seconds:.1f} s, {len(texts) / seconds:.0f} documents/s")
    print("processor time, ms a chunk:")
    print(f"  ours {sum(used[name] for name in OURS):.2f}  (" + ", ".join(f"{n} {used[n]:.2f}" for n in OURS) + ")")
    print(f"  servers: valkey {used['valkey']:.2f}, postgres {used['postgres']:.2f}")
    print(f"  bare tiktoken and COPY {1000 * bare_seconds / bare_chunks:.2f} ({bare_chunks} chunks)")
    mib = 1024 * 1024
    for name in OURS:
        at = (memory[name] / mib, half[name] / mib, late[name] / mib)
        print("{}: {:.0f} MiB before, {:.0f} half-way, {:.0f} after".format(name, *at))


def main() -> None:
    """Measure, as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--documents", type=int, default=1000)
    parser.add_argument("--chunk-tokens", type=int, default=200)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the services")
    options = parser.parse_args()
    # Not pytest's own folder: as root PostgreSQL is somebody else, and must be able to walk in.
    with tempfile.TemporaryDirectory(prefix="eloquent-bench-") as folder:
        Path(folder).chmod(0o711)
        asyncio.run(measure(options, Path(folder)))


if __name__ == "__main__":
    main()
