"""`python -m retrieval_service`: the worker with its probes."""

from libs.config import load
from libs.flags.settings import FlagSettings
from libs.service.app import serve
from retrieval_service.settings import (
    KnowledgeSettings,
    ModelSettings,
    PostgresSettings,
    ProcessSettings,
    RedisSettings,
    RetrievalSettings,
)
from retrieval_service.wiring import build


def main() -> None:
    """Run until SIGTERM.

    Raises:
        SystemExit: the environment is not complete; the message names every bad variable.
    """
    process, redis, postgres, model, knowledge, retrieval, flags = load(
        ProcessSettings,
        RedisSettings,
        PostgresSettings,
        ModelSettings,
        KnowledgeSettings,
        RetrievalSettings,
        FlagSettings,
    )
    serve(build(redis, postgres, model, knowledge, retrieval, flags), process)


if __name__ == "__main__":
    main()
