"""CSV and its relatives: rows of cells, whatever stands between them."""

import csv
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from ingest_service.parsing import tables
from ingest_service.parsing.parsed import TextBuilder, UnreadableError, clean
from ingest_service.parsing.plain import decode

_DELIMITERS = ",;\t|"
SAMPLE_LINES = 50
SAMPLE_LINE_MAX_CHARACTERS = 4_000
CELL_MAX_CHARACTERS = 1_000_000
"""A cell is longer when a quotation mark was never closed."""


def parse(path: Path, text: TextBuilder) -> None:
    """One block a row, numbered as a spreadsheet program would.

    Raises:
        UnreadableError: `too_many_columns`, `damaged_file` or `unknown_encoding`.
    """
    lines = clean(decode(path.read_bytes())).split("\n")
    delimiter = _delimiter(lines)
    csv.field_size_limit(CELL_MAX_CHARACTERS)
    try:
        rows = csv.reader(_bounded(lines, delimiter), delimiter=delimiter, skipinitialspace=True)
        tables.write(enumerate(rows, start=1), text)
    except csv.Error as error:
        raise UnreadableError(
            "damaged_file", "A cell of this CSV never ends: look for a quotation mark without its pair."
        ) from error


def _bounded(lines: list[str], delimiter: str) -> Iterator[str]:
    """The lines with their ends; before a row of millions of cells is made, it is refused."""
    for line in lines:
        if line.count(delimiter) > tables.COLUMNS_MAX:
            raise tables.too_many_columns()
        yield line + "\n"


def _delimiter(lines: list[str]) -> str:
    """What cuts most lines into the same number of cells."""
    sample = [line[:SAMPLE_LINE_MAX_CHARACTERS] for line in islice(filter(str.strip, lines), SAMPLE_LINES)]
    best, most = ",", 0
    for delimiter in _DELIMITERS:
        widths = Counter(len(row) for row in csv.reader(sample, delimiter=delimiter))
        width, alike = max(widths.items(), key=lambda item: (item[1] * (item[0] > 1), item[0]), default=(1, 0))
        score = alike * min(width - 1, tables.WIDE_COLUMNS)
        if score > most:
            best, most = delimiter, score
    return best
