"""Documents under faults: `python -m tests.fault.documents [--documents N] [--seed N] [--row NAME]`.

People add, replace and delete documents while workers are killed, servers are restarted, the blob folder or S3 goes
away and the embedding model is in trouble; in a row of its own workers die in every stage of a document. What could be
found is written down all the while, and looked over at the end.
"""

import argparse
import asyncio
import os
import random
import secrets
import sys
import time
from collections.abc import Sequence

import asyncpg

from ingest_service.documents import Documents
from ingest_service.leftovers import Removal
from ingest_service.rights import Roles
from ingest_service.turns import Turns
from ingest_service.upload import Upload
from libs.bus.bus import Bus
from libs.bus.connection import Redis, connect
from libs.config import PostgresSettings, RedisSettings
from libs.db.pool import create_pool
from libs.tasks import end_tasks
from libs.vectors.pgvector import PgVectorStore
from tests.fault.cluster import Cluster, Size, running_cluster
from tests.fault.documents_checker import violations
from tests.fault.documents_run import Run
from tests.fault.documents_stores import Store, StoreKind, store
from tests.fault.mutants.staged import FOLDER, STAGES

PLACES = 4
ROWS = ("folder", "s3", "stages")
_WORKER = {
    "INGEST_DOCUMENTS_PER_OWNER": str(PLACES),
    "INGEST_EMBED_TIMEOUT_SECONDS": "2",
    "INGEST_SWEEP_SECONDS": "0.5",
    "INGEST_IDLE_SECONDS": "20",
    "BUS_MAX_ATTEMPTS": "20",
}


async def carry_out(
    cluster: Cluster,
    tasks: asyncio.TaskGroup,
    *,
    count: int,
    faults: int,
    seed: int,
    kind: StoreKind = "folder",
    replaces_all: bool = False,
) -> tuple[list[str], str]:
    """What was broken of what is promised, and a line that says what happened."""
    folder = cluster.folder / f"documents-{seed}"
    chance = random.Random(seed)  # noqa: S311 - a plan, no secret
    before = dict(cluster.settings)
    await cluster.stop()
    began = time.monotonic()
    settings = PostgresSettings.model_validate({"database_url": cluster.postgres_server.url})
    # As the services have it, which lives through a restart.
    redis = connect(cluster.valkey_server.url)
    try:
        async with store(kind, folder / "blobs", chance) as kept:
            cluster.settings |= {**_WORKER, **kept.settings}
            await cluster.start(tasks, Size(0, 0, 0, 0, ingest=2))
            async with create_pool(settings, application_name="people") as pool, redis:
                run = _run(cluster, pool, redis, kept, chance)
                async with asyncio.TaskGroup() as together:
                    recording = together.create_task(run.record())
                    await asyncio.gather(run.add_all(count), run.break_things(faults))
                    if replaces_all:
                        await run.replace_all()
                    await cluster.ready()
                    await run.ended()
                    await end_tasks(recording)
                letters = sum([await redis.xlen(key) async for key in redis.scan_iter("dead:*")])
                found = violations(run.history, places=PLACES, dead_letters=letters)
            await cluster.stop()
    finally:
        await cluster.stop()
        cluster.settings, cluster.started = before, None
    made = ", ".join(f"{run.begun.count(name)} {name}" for name in dict.fromkeys(run.begun))
    looks = len(run.history.looks)
    return found, f"{count} documents, {looks} looks, faults: {made or 'none'}; {time.monotonic() - began:.0f} s"


async def die_in_stages(cluster: Cluster, tasks: asyncio.TaskGroup, *, count: int, seed: int) -> tuple[list[str], str]:
    """The same with workers that die in every stage of a document, and of nothing else."""
    deaths = cluster.folder / f"stages-{seed}"
    deaths.mkdir()
    before, cluster.mutants = cluster.mutants, {"ingest": "staged"}
    cluster.settings[FOLDER] = str(deaths)
    try:
        found, line = await carry_out(cluster, tasks, count=count, faults=0, seed=seed, replaces_all=True)
    finally:
        cluster.mutants = before
        del cluster.settings[FOLDER]
    died = {stage: len(list(deaths.glob(f"{stage}-*"))) for stage in STAGES}
    found += [f"no worker died in the stage {stage}" for stage, times in died.items() if not times]
    return found, f"{line}; deaths: {', '.join(f'{times} {stage}' for stage, times in died.items())}"


def _run(cluster: Cluster, pool: asyncpg.Pool, redis: Redis, kept: Store, chance: random.Random) -> Run:
    bus = Bus(RedisSettings(redis_url=cluster.valkey_server.url), redis, group="people")
    documents = Documents(pool, roles=Roles(), places=PLACES)
    removal = Removal(pool, PgVectorStore(pool, dimensions=384), kept.blobs)
    upload = Upload(documents, kept.blobs, Turns(pool, bus.publish, places=PLACES))
    return Run(cluster, pool, upload, documents, removal, kept, chance)


async def _main(rows: Sequence[str], count: int, seed: int) -> int:
    broken = 0
    async with running_cluster() as (cluster, tasks):
        for row in rows:
            if row == "stages":
                found, line = await die_in_stages(cluster, tasks, count=count // 2, seed=seed)
            else:
                kind: StoreKind = "s3" if row == "s3" else "folder"
                found, line = await carry_out(cluster, tasks, count=count, faults=count // 4, seed=seed, kind=kind)
            print("\n".join([f"{row}: {line}", *(f"BROKEN: {one}" for one in found)]), flush=True)
            broken += len(found)
    return int(broken > 0)


def main() -> None:
    """Exit code 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.fault.documents", description="Documents under faults.")
    parser.add_argument("--documents", type=int, default=200)
    parser.add_argument("--row", action="append", choices=ROWS, help="this one alone; may come again")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("FAULT_SEED") or secrets.randbits(24)))
    given = parser.parse_args()
    print(f"FAULT_SEED={given.seed}", flush=True)
    sys.exit(asyncio.run(_main(given.row or ROWS, given.documents, given.seed)))


if __name__ == "__main__":
    main()
