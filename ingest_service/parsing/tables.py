"""What workbooks and CSV share: rows of cells become lines that say what their numbers are."""

from collections.abc import Iterable, Sequence

from ingest_service.parsing.parsed import TABLE_HEADER_MAX_CHARACTERS, InTable, TextBuilder, UnreadableError, joined

WIDE_COLUMNS = 8
"""Beyond this a reader loses count of the columns: each cell is written with its column's name."""
COLUMNS_MAX = 10_000


def write(rows: Iterable[tuple[int, Sequence[str]]], text: TextBuilder) -> None:
    """Write the rows of a sheet; a blank row ends a table, and the next one may have other columns.

    Args:
        rows: the number of each, as its program counts, and its cells.
        text: takes a block a row.
    """
    table: list[tuple[int, Sequence[str]]] = []
    names: list[str] | None = None
    for number, cells in rows:
        if len(cells) > COLUMNS_MAX:
            raise too_many_columns()
        if not any(cell and not cell.isspace() for cell in cells):
            _end(table, text)
            table, names = [], None
        elif names is not None:
            _row(number, cells, names, text)
        else:
            table.append((number, cells))
            # A line that may be a header is one if another line stands below it.
            if len(table) > 1 or not _may_be_header(cells):
                names = _names(table[0][1]) if len(table) > 1 else []
                _begin(table, names, text)
                table = []
    _end(table, text)


def too_many_columns() -> UnreadableError:
    """For a table that is no table."""
    return UnreadableError(
        "too_many_columns", f"A table may have {COLUMNS_MAX:,} columns: check the separators, or split it."
    )


def _begin(table: list[tuple[int, Sequence[str]]], names: list[str], text: TextBuilder) -> None:
    for place, (number, cells) in enumerate(table):
        if place == 0 and names:
            header = joined(names)
            text.row(header, InTable(_shortened(header), is_header=True, row=number))
        else:
            _row(number, cells, names, text)


def _end(table: list[tuple[int, Sequence[str]]], text: TextBuilder) -> None:
    for number, cells in table:
        text.row(joined(cells), InTable("", row=number))


def _row(number: int, cells: Sequence[str], names: list[str], text: TextBuilder) -> None:
    if len(names) <= WIDE_COLUMNS:
        text.row(joined(cells), InTable(_shortened(joined(names)), row=number))
        return
    pairs = []
    for place, cell in enumerate(cells):
        name = names[place] if place < len(names) else ""
        value = " ".join(cell.split())
        if value:
            pairs.append(f"{name}: {value}" if name else value)
    text.row("; ".join(pairs), InTable("", row=number))


def _shortened(header: str) -> str:
    return header[:TABLE_HEADER_MAX_CHARACTERS]


def _names(cells: Sequence[str]) -> list[str]:
    return [" ".join(cell.split()) for cell in cells]


def _may_be_header(cells: Sequence[str]) -> bool:
    """Names are words, at least two of them, none twice."""
    names = [cell.strip().lower() for cell in cells if cell.strip()]
    return len(names) > 1 and len(set(names)) == len(names) and not any(_is_number(name) for name in names)


def _is_number(text: str) -> bool:
    digits = sum(character.isdigit() for character in text)
    return 2 * digits >= len(text)
