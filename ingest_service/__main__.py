"""`python -m ingest_service worker` or `python -m ingest_service api`."""

import sys

from ingest_service.settings import BlobSettings, IngestSettings
from ingest_service.wiring import api_app, worker_app
from libs.config import (
    IdentitySettings,
    KnowledgeSettings,
    ModelSettings,
    PostgresSettings,
    ProcessSettings,
    RedisSettings,
    load,
)
from libs.service.app import serve

USAGE = "usage: python -m ingest_service worker|api"
_OWN = (IngestSettings, KnowledgeSettings, BlobSettings, RedisSettings, PostgresSettings)


def main(arguments: list[str]) -> None:
    """Run the process until it is told to stop.

    Raises:
        SystemExit: no such process, or a bad environment; the message says which.
    """
    match arguments:
        case ["worker"]:
            process, ingest, knowledge, blobs, redis, postgres, models = load(ProcessSettings, *_OWN, ModelSettings)
            serve(worker_app(ingest, knowledge, blobs, redis, postgres, models), process)
        case ["api"]:
            process, ingest, knowledge, blobs, redis, postgres, identity = load(
                ProcessSettings, *_OWN, IdentitySettings
            )
            serve(api_app(ingest, knowledge, blobs, redis, postgres, identity), process)
        case _:
            raise SystemExit(USAGE)


if __name__ == "__main__":
    main(sys.argv[1:])
