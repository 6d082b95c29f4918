"""`Range`, `If-Range` and `If-None-Match` (RFC 9110), as far as whoever goes on with a download needs them."""

import re
from typing import NamedTuple

_ONE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class UnsatisfiableError(Exception):
    """The file ends before the part begins."""


class Part(NamedTuple):
    """Bytes from `start` to before `end`."""

    start: int
    end: int


def part_of(asked: str | None, size: int) -> Part | None:
    """What `Range` asks for; None for the whole: nothing, several parts, or what is no range.

    Raises:
        UnsatisfiableError: there is no such part.
    """
    found = _ONE.fullmatch(asked or "")
    if found is None or found[0] == "bytes=-":
        return None
    first, last = found.groups()
    start = int(first) if first else max(0, size - int(last))
    end = min(size, int(last) + 1) if first and last else size
    if first and last and int(last) < int(first):
        return None
    if start >= size:
        raise UnsatisfiableError
    return Part(start, end)


def is_known(etag: str, if_none_match: str | None) -> bool:
    """The caller has it already."""
    known = {one.strip().removeprefix("W/") for one in (if_none_match or "").split(",")}
    return "*" in known or etag in known
