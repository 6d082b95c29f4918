"""Small files of every kind, made for the tests."""

import io
import zipfile
from pathlib import Path

import docx
from docx.enum.style import WD_STYLE_TYPE
from fpdf import FPDF

from ingest_service.parsing.child import parser_of
from ingest_service.parsing.parsed import Parsed, TextBuilder
from ingest_service.parsing.sniff import sniff


def written(folder: Path, name: str, content: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def parsed(path: Path, *, max_characters: int = 1_000_000) -> Parsed:
    """What the parser for this file makes of it, in this process."""
    text = TextBuilder(max_characters=max_characters)
    parser_of(sniff(path, path.name)).parse(path, text)
    return text.finished()


def texts(document: Parsed) -> list[str]:
    return [document.text[block.start : block.end] for block in document.blocks]


def a_pdf(*pages: str, password: str | None = None, title: str | None = None, outline: bool = False) -> bytes:
    pdf = FPDF()
    pdf.set_font("helvetica", size=12)
    if title is not None:
        pdf.set_title(title)
    if password is not None:
        pdf.set_encryption(owner_password="owner", user_password=password)
    for number, page in enumerate(pages, start=1):
        pdf.add_page()
        if outline:
            pdf.start_section(f"Part {number}")
        pdf.multi_cell(0, text=page)
    return bytes(pdf.output())


def a_scan() -> bytes:
    """A PDF of one page with lines, and no text."""
    pdf = FPDF()
    pdf.add_page()
    pdf.line(10, 10, 100, 100)
    return bytes(pdf.output())


def a_docx(*, title: str | None = None) -> bytes:
    document = docx.Document()
    document.core_properties.title = title or ""
    document.add_heading("Fees", 1)
    document.add_paragraph("A card costs nothing.")
    document.add_heading("Abroad", 2)
    document.add_paragraph("We add no fee.", style="List Bullet")
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip(
        [cell for row in table.rows for cell in row.cells], ["Plan", "Price", "Plus", "5"], strict=True
    ):
        cell.text = text
    assert document.styles["List Bullet"].type == WD_STYLE_TYPE.PARAGRAPH
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def a_docx_with(part: str, content: bytes) -> bytes:
    """A DOCX one part of which has other content."""
    source = zipfile.ZipFile(io.BytesIO(a_docx()))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(name, content if name == part else source.read(name))
    return buffer.getvalue()
