"""Builds the PDF and the DOCX of the sample knowledge base from their Markdown sources.

Run `python -m deploy.local.knowledge.make_files` from the root of the checkout. The dates are fixed, so that two runs
with the same versions of fpdf2, python-docx and zlib give the same bytes.
"""

import datetime as dt
import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import docx
from fpdf import FPDF

HERE = Path(__file__).resolve().parent
MADE_AT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
FIRST_ZIP_DATE = (1980, 1, 1, 0, 0, 0)
AUTHOR = "Meridian Pay"
BODY_SIZE = 11
HEADING_SIZES = {1: 20, 2: 14, 3: 12}


class Block(NamedTuple):
    """One block of a source: a heading, a paragraph, a list or a table, whose rows hold one cell if it is no table."""

    kind: str
    rows: list[list[str]]
    level: int = 0

    @property
    def text(self) -> str:
        return self.rows[0][0]


def parse(source: str) -> Iterator[Block]:
    """Reads the little Markdown that the sources use: blocks stand apart by an empty line."""
    for chunk in re.split(r"\n{2,}", source.strip()):
        lines = chunk.splitlines()
        if heading := re.fullmatch(r"(#+) (.+)", chunk):
            yield Block("heading", [[heading[2]]], level=len(heading[1]))
        elif chunk.startswith("|"):
            rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
            yield Block("table", [rows[0], *rows[2:]])
        elif chunk.startswith(("- ", "1. ")):
            kind = "bullets" if chunk.startswith("-") else "numbers"
            yield Block(kind, [[line.split(" ", 1)[1]] for line in lines])
        else:
            yield Block("paragraph", [[" ".join(lines)]])


def pdf_bytes(blocks: list[Block]) -> bytes:
    """Lays the blocks out on A4 pages with a bookmark for each heading."""
    pdf = FPDF()
    pdf.set_creation_date(MADE_AT)
    pdf.set_producer(AUTHOR)
    pdf.set_author(AUTHOR)
    pdf.set_title(blocks[0].text)
    pdf.set_lang("en-GB")
    pdf.set_margin(22)
    pdf.set_auto_page_break(auto=True, margin=22)
    pdf.add_page()
    for block in blocks:
        if block.kind == "heading":
            size = HEADING_SIZES[block.level]
            if pdf.will_page_break(4 * size):  # a heading stays with the text below it
                pdf.add_page()
            pdf.ln(2)
            pdf.set_font("Helvetica", "B", size)
            pdf.start_section(block.text, level=block.level - 1)
            pdf.multi_cell(0, size / 2, block.text, align="L", new_x="LMARGIN", new_y="NEXT")
        elif block.kind == "table":
            pdf.set_font("Helvetica", size=BODY_SIZE - 1)
            others = len(block.rows[0]) - 1
            with pdf.table(block.rows, col_widths=(2 * others, *[others] * others), line_height=6, text_align="LEFT"):
                pass  # the rows are drawn when the table is left
        else:
            pdf.set_font("Helvetica", size=BODY_SIZE)
            for number, (text,) in enumerate(block.rows, start=1):
                mark = {"bullets": "- ", "numbers": f"{number}. "}.get(block.kind, "")
                pdf.multi_cell(0, BODY_SIZE / 2, mark + text, align="L", new_x="LMARGIN", new_y="NEXT")
        pdf.ln(2)
    return bytes(pdf.output())


def docx_bytes(blocks: list[Block]) -> bytes:
    """Writes the blocks with Word's own styles, then packs the parts anew without the time of the run."""
    document = docx.Document()
    properties = document.core_properties
    properties.title, properties.author, properties.last_modified_by = blocks[0].text, AUTHOR, AUTHOR
    properties.created, properties.modified, properties.comments = MADE_AT, MADE_AT, ""
    for block in blocks:
        if block.kind == "heading":
            document.add_heading(block.text, level=block.level)
        elif block.kind == "table":
            table = document.add_table(rows=0, cols=len(block.rows[0]), style="Table Grid")
            for row in block.rows:
                for cell, text in zip(table.add_row().cells, row, strict=True):
                    cell.text = text
        else:
            style = {"bullets": "List Bullet", "numbers": "List Number"}.get(block.kind, "Normal")
            for (text,) in block.rows:
                document.add_paragraph(text, style=style)
    packed, made = io.BytesIO(), io.BytesIO()
    document.save(packed)
    with zipfile.ZipFile(packed) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            new.writestr(zipfile.ZipInfo(name, FIRST_ZIP_DATE), old.read(name), zipfile.ZIP_DEFLATED)
    return made.getvalue()


if __name__ == "__main__":
    for folder, stem, build in (
        ("payments", "fees-and-limits-2026.pdf", pdf_bytes),
        ("compliance", "complaints-procedure.docx", docx_bytes),
    ):
        text = (HERE / "sources" / stem).with_suffix(".md").read_text(encoding="utf-8")
        (HERE / folder / stem).write_bytes(build(list(parse(text))))
