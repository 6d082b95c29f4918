"""XLSX: the sheets that people see, row by row."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path

import python_calamine

from ingest_service.parsing import tables
from ingest_service.parsing.archive import opened
from ingest_service.parsing.parsed import TextBuilder, UnreadableError

Cell = int | float | str | bool | date | time | datetime | timedelta


def parse(path: Path, text: TextBuilder) -> None:
    """One block a row, with its sheet and its number; formulas are what they came to when the file was saved.

    Raises:
        UnreadableError: `damaged_file`, `password_needed`, `unpacks_too_large` or `too_many_columns`.
    """
    with opened(path, what="XLSX"):
        # Only its sizes were looked at.
        pass
    try:
        with python_calamine.CalamineWorkbook.from_path(path) as workbook:
            for sheet in workbook.sheets_metadata:
                hidden = sheet.visible != python_calamine.SheetVisibleEnum.Visible
                if not hidden and sheet.typ == python_calamine.SheetTypeEnum.WorkSheet:
                    text.part = sheet.name
                    text.outline(())
                    tables.write(_rows(workbook.get_sheet_by_name(sheet.name)), text)
    except python_calamine.PasswordError as error:
        raise UnreadableError("password_needed", "This workbook needs a password: save it without one.") from error
    except python_calamine.CalamineError as error:
        raise UnreadableError("damaged_file", "This XLSX is damaged: open it in Excel and save it again.") from error


def _rows(sheet: python_calamine.CalamineSheet) -> Iterator[tuple[int, Sequence[str]]]:
    for number, row in enumerate(sheet.iter_rows(), start=1):
        yield number, [_shown(cell) for cell in row]


def _shown(cell: Cell) -> str:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else f"{cell:.12g}"
    if isinstance(cell, datetime):
        return cell.isoformat(" ", "minutes")
    return str(cell)
