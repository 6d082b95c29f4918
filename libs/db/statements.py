"""Statements as spans: asyncpg tells of each when it has ended."""

import re
from functools import lru_cache
from typing import Any, NamedTuple

import asyncpg

from libs.telemetry.spans import happened, is_on
from libs.telemetry.tracing import here

TEXT_MAX_CHARACTERS = 1000
_TARGET = re.compile(
    r"(?<!EPOCH )\b(?:FROM|INTO|UPDATE|JOIN|TABLE)\s+(?!ONLY\b|LATERAL\b)([a-z_][a-z0-9_.]*)", re.IGNORECASE
)


class _Statement(NamedTuple):
    operation: str
    target: str
    text: str


def trace_statements(connection: asyncpg.Connection) -> None:
    """From here on its statements are spans of what they are part of; where nothing is traced it costs nothing."""
    if is_on():
        connection.add_query_logger(_record)


def _record(query: Any) -> None:
    place = here()
    if place is None or not place.is_sampled:
        return
    statement = _described(query.query)
    done = happened(f"{statement.operation} {statement.target}".rstrip(), "client", seconds=query.elapsed)
    done.say("db.system.name", "postgresql")
    done.say("db.operation.name", statement.operation)
    if statement.target:
        done.say("db.collection.name", statement.target)
    # Written by us: what people wrote is in the parameters, which are not looked at.
    done.say("db.query.text", statement.text)
    done.end(query.exception)


@lru_cache(maxsize=1024)
def _described(query: str) -> _Statement:
    text = " ".join(query.split())
    target = _TARGET.search(text)
    operation = text.partition(" ")[0].rstrip(";").upper()
    return _Statement(operation, target[1] if target else "", text[:TEXT_MAX_CHARACTERS])
