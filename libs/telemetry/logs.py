"""JSON logs: a constant message, facts as fields, ids from the context."""

import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from libs.errors import EloquentError
from libs.telemetry import tracing

_QUIET = (
    "httpx",
    "httpx2",
    "httpcore",
    "httpcore2",
    "openai",
    "aiohttp.access",
    "uvicorn.access",
    "uvicorn.error",
    "asyncio",
    "faststream",
)


def configure_logs(service: str, *, level: str = "INFO") -> None:
    """Every line of this process becomes one JSON object on standard output, the libraries' lines too."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        tracing.add_trace_id,
        describe_error,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.EventRenamer("message"),
                structlog.processors.JSONRenderer(),
            ],
        ),
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    logging.captureWarnings(capture=True)
    # Some libraries bring handlers of their own, which print for people.
    for name in tuple(root.manager.loggerDict):
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = True
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    # Its pool says at each try that PostgreSQL is away; whoever needs PostgreSQL says so once.
    logging.getLogger("asyncpg").setLevel(logging.ERROR)
    structlog.contextvars.bind_contextvars(service=service)


def describe_error(_logger: object, _method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """A structlog processor: the error's type and where it was raised.

    Its message only when it is ours: a vendor's may quote what the user wrote.
    """
    given = event.pop("exc_info", None)
    error = sys.exc_info()[1] if given is True else given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        event["error"] = type(error).__name__
        if isinstance(error, EloquentError):
            event["reason"] = str(error)
        event["stack"] = [
            f"{Path(frame.filename).name}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(error.__traceback__)[-12:]
        ]
    return event


@contextmanager
def log_context(**ids: object) -> Iterator[None]:
    """Log lines inside carry these ids."""
    with structlog.contextvars.bound_contextvars(**{name: str(value) for name, value in ids.items()}):
        yield
