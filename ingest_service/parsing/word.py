"""DOCX: paragraphs and tables under the headings its styles name."""

import re
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import docx
from docx.opc.exceptions import OpcError
from docx.table import Table, _Cell
from docx.text.paragraph import Paragraph

from ingest_service.parsing.parsed import TextBuilder, UnreadableError

_HEADING = re.compile(r"heading (\d)", re.IGNORECASE)
UNPACKED_MAX_BYTES = 256 * 1024 * 1024
XML_PART_MAX_BYTES = 64 * 1024 * 1024
"""A part is a tree in memory while it is read, about ten times its size."""
PARTS_MAX = 10_000


def parse(path: Path, text: TextBuilder) -> None:
    """One block a paragraph or table row; the title is the file's own or its paragraph in the style Title.

    Raises:
        UnreadableError: `damaged_file`, or `unpacks_too_large` before anything is unpacked.
    """
    try:
        _check_sizes(path)
        document = docx.Document(str(path))
    # lxml calls broken XML a SyntaxError.
    except (zipfile.BadZipFile, OpcError, SyntaxError, KeyError, ValueError, NotImplementedError) as error:
        raise UnreadableError("damaged_file", "This DOCX is damaged: open it in Word and save it again.") from error
    text.title = document.core_properties.title or None
    for part in document.iter_inner_content():
        if isinstance(part, Table):
            for row in _rows(part):
                text.block(row)
        else:
            _write(part, text)


def _check_sizes(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        parts = archive.infolist()
    unpacked = sum(part.file_size for part in parts)
    largest = max((part.file_size for part in parts if part.filename.endswith((".xml", ".rels"))), default=0)
    if len(parts) > PARTS_MAX or unpacked > UNPACKED_MAX_BYTES or largest > XML_PART_MAX_BYTES:
        raise UnreadableError("unpacks_too_large", "This DOCX unpacks to far more than a document needs: split it.")


def _write(paragraph: Paragraph, text: TextBuilder) -> None:
    style = (paragraph.style.name if paragraph.style is not None else None) or ""
    heading = _HEADING.match(style)
    if heading is not None:
        text.heading(int(heading[1]), paragraph.text)
    elif style == "Title":
        text.title = text.title or paragraph.text
        text.heading(0, paragraph.text)
    elif style.startswith("List") and paragraph.text.strip():
        text.block(f"- {paragraph.text}")
    else:
        text.block(paragraph.text)


def _rows(table: Table) -> Iterator[str]:
    for row in table.rows:
        cells = {cell._tc: cell for cell in row.cells}  # noqa: SLF001 - a merged cell is given once per column it spans
        yield " | ".join(_joined(cell) for cell in cells.values())


def _joined(cell: _Cell) -> str:
    parts: Iterable[str] = (
        "; ".join(_rows(part)) if isinstance(part, Table) else part.text for part in cell.iter_inner_content()
    )
    return " ".join(" ".join(parts).split())
