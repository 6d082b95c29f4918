"""JSON lines: a record a line."""

from pathlib import Path

from ingest_service.parsing.parsed import TextBuilder
from ingest_service.parsing.plain import decode
from ingest_service.parsing.records import loaded, record


def parse(path: Path, text: TextBuilder) -> None:
    """One block a line, numbered.

    Raises:
        UnreadableError: `damaged_file` with the line that is malformed, or `unknown_encoding`.
    """
    for number, line in enumerate(decode(path.read_bytes()).split("\n"), start=1):
        if line.strip():
            record(loaded(line, number), number, text)
