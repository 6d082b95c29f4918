"""No flaw of ours: fail points in every stage of a document, where the worker dies once or twice in a run.

Which documents meet them is chance; that a stage had its deaths is noted in a folder that outlives the worker.
"""

import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import structlog

from ingest_service.index import Index
from ingest_service.leftovers import Removal
from ingest_service.parsing.sandbox import Sandbox
from ingest_service.versions import Versions
from libs.vectors.pgvector import PgVectorStore

log = structlog.get_logger()

FOLDER = "FAULT_STAGES"
"""The environment variable that names the folder."""
STAGES = ("received", "parsing", "chunking", "planned", "embedding", "swap", "swapped", "deleting")
DEATHS = 2
"""Of workers, in each stage."""
EVERY = {"deleting": 1}
"""One call in so many is the one; of the others, one in three."""


def put_in() -> None:
    """Kill -9 before, between and behind what a stage does."""
    _dies(Index, "__call__", before="received")
    _dies(Versions, "begin", behind="parsing")
    _dies(Sandbox, "read", behind="chunking")
    _dies(Versions, "plan", behind="planned")
    _dies(PgVectorStore, "upsert", behind="embedding")
    _dies(Versions, "make_searchable", before="swap", behind="swapped")
    _dies(PgVectorStore, "delete", behind="deleting")
    _dies(PgVectorStore, "delete_document", behind="deleting")
    _dies(Removal, "remove", behind="deleting")


def _dies(owner: type, method: str, *, before: str = "", behind: str = "") -> None:
    done: Callable[..., Awaitable[Any]] = getattr(owner, method)

    async def deadly(*args: object, **given: object) -> Any:
        _meet(before)
        result = await done(*args, **given)
        _meet(behind)
        return result

    setattr(owner, method, deadly)


def _meet(stage: str) -> None:
    if not stage or os.urandom(1)[0] % EVERY.get(stage, 3):
        return
    for number in range(DEATHS):
        try:
            os.close(os.open(Path(os.environ[FOLDER]) / f"{stage}-{number}", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            continue
        log.warning("dies in a stage", stage=stage)
        os.kill(os.getpid(), signal.SIGKILL)
