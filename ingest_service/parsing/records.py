"""JSON: objects become records a person can read, `name: value` a line."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from ingest_service.parsing.parsed import InTable, TextBuilder, UnreadableError
from ingest_service.parsing.plain import decode

HEADING_LEVELS = 3
"""Objects within objects are sections as deep as this, and names with dots below."""
SHORT_CHARACTERS = 80
"""A list of short values is one line."""


def parse(path: Path, text: TextBuilder) -> None:
    """One block a record; what stands under a name stands under it as a heading.

    Raises:
        UnreadableError: `damaged_file` with the line where it breaks, or `unknown_encoding`.
    """
    _write(loaded(decode(path.read_bytes())), text, level=1)


def loaded(source: str, line: int = 1) -> Any:
    """The value of some JSON.

    Args:
        source: all of it.
        line: of the file in which it begins.

    Raises:
        UnreadableError: `damaged_file`.
    """
    try:
        return msgspec.json.decode(source)
    except (msgspec.DecodeError, UnicodeEncodeError):
        pass
    try:
        # Slower; takes the NaN and the lone surrogates that many programs write.
        return json.loads(source)
    except json.JSONDecodeError as error:
        where = line + error.lineno - 1
        raise UnreadableError("damaged_file", f"This JSON breaks off or is malformed in line {where}.") from error


def _write(value: Any, text: TextBuilder, *, level: int) -> None:
    if isinstance(value, dict):
        here = {name: item for name, item in value.items() if not _is_section(item, level)}
        text.block("\n".join(_lines(here)))
        for name, item in value.items():
            if _is_section(item, level):
                text.heading(level, str(name))
                _write(item, text, level=level + 1)
                text.outline(tuple(above for above in text.above if above[0] < level))
    elif isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value):
        for number, item in enumerate(value, start=1):
            record(item, number, text)
    else:
        text.block("\n".join(_lines(value)))


def _is_section(value: Any, level: int) -> bool:
    if isinstance(value, dict):
        return bool(value) and level <= HEADING_LEVELS
    return isinstance(value, list) and level <= HEADING_LEVELS and any(isinstance(item, dict) for item in value)


def record(value: Any, number: int, text: TextBuilder) -> None:
    """Write a value as a block of its own, with its number among the others."""
    text.block("\n".join(_lines(value)), InTable("", row=number))


def _lines(value: Any, name: str = "") -> Iterator[str]:
    """`name: value` for all there is in it."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _lines(item, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list):
        shown = [_shown(item) for item in value if not isinstance(item, (dict, list))]
        if len(shown) == len(value) and sum(map(len, shown)) <= SHORT_CHARACTERS:
            yield from _named(name, ", ".join(shown))
        else:
            for item in value:
                yield from _lines(item, name)
    else:
        yield from _named(name, _shown(value))


def _named(name: str, shown: str) -> Iterator[str]:
    if shown.strip():
        yield f"{name}: {shown}" if name else shown


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
