"""A page is read as a person reads it: by where its pieces stand, not in the order in which they were written."""

from collections.abc import Callable
from pathlib import Path
from textwrap import wrap

import pypdfium2
from fpdf import FPDF

from ingest_service.parsing.parsed import Parsed
from tests.unit.ingest.files import parsed, texts, written

LEFT = "The left column tells about cards and what they cost, and how a customer gets one at any branch of the bank."
RIGHT = "The right column tells about cash and where it may be taken out without a fee, which is at every machine."
PRICES = [
    ("Plan", "Price", "Note"),
    ("Plus", "5", ""),
    ("Pro", "9", "with a long note that goes on in a second line of its cell"),
    ("", "", "Sundays"),
]


def read(folder: Path, draw: Callable[[FPDF], None]) -> Parsed:
    pdf = FPDF()
    pdf.set_font("helvetica", size=10)
    pdf.add_page()
    draw(pdf)
    return parsed(written(folder, "page.pdf", bytes(pdf.output())))


def two_columns(pdf: FPDF) -> None:
    pdf.cell(text="A title that stands over both of the columns and is as wide as the two of them are together here")
    for number, (left, right) in enumerate(zip(wrap(LEFT * 2, 45), wrap(RIGHT * 2, 45), strict=False)):
        for x, line in ((10, left), (110, right)):
            pdf.set_xy(x, 30 + number * 5)
            pdf.cell(text=line)


def a_table(pdf: FPDF) -> None:
    with pdf.table() as table:
        for cells in PRICES:
            row = table.row()
            for cell in cells:
                row.cell(cell)


def test_columns_are_read_one_after_the_other(tmp_path: Path) -> None:
    """Though line stood beside line when they were written; what crosses both comes where it stands."""
    document = read(tmp_path, two_columns)

    assert texts(document)[0].startswith("A title")
    assert document.text.index("branch of") < document.text.index("The right column")
    assert "left column tells about cards and what they cost" in document.text


def test_a_table_keeps_its_cells_and_its_header(tmp_path: Path) -> None:
    """Cells of more than one line, and empty ones, stay in their columns."""
    document = read(tmp_path, a_table)

    assert texts(document) == [
        "Plan | Price | Note",
        "Plus | 5",
        "Pro | 9 | with a long note that goes on in a second line of its cell",
        "| | Sundays",
    ]
    assert {block.table.header for block in document.blocks if block.table} == {"Plan | Price | Note"}


def test_a_turned_page_is_read_as_it_is_shown(tmp_path: Path) -> None:
    """Text that was drawn sideways on a page that is shown turned; and a page that was turned by mistake."""
    pdf = FPDF()
    pdf.set_font("helvetica", size=10)
    pdf.add_page()
    with pdf.rotation(90, 100, 150):
        for number, row in enumerate([("Plan", "Price"), ("Plus", "5"), ("Pro", "9")]):
            for column, cell in enumerate(row):
                pdf.set_xy(60 + column * 60, 120 + number * 12)
                pdf.cell(text=cell)
    pdf.add_page()
    a_table(pdf)
    path = written(tmp_path, "upright.pdf", bytes(pdf.output()))
    with pypdfium2.PdfDocument(path) as document:
        document[0].set_rotation(90)
        document[1].set_rotation(90)
        document.save(tmp_path / "turned.pdf")

    pages = parsed(tmp_path / "turned.pdf")

    assert texts(pages)[:4] == ["Plan | Price", "Plus | 5", "Pro | 9", "Plan | Price | Note"]


def test_lines_side_by_side_that_are_no_table_stay_lines(tmp_path: Path) -> None:
    """One line with a gap in it, such as a letterhead, makes neither table nor columns."""

    def draw(pdf: FPDF) -> None:
        pdf.cell(text="Our bank")
        pdf.set_x(150)
        pdf.cell(text="23 November")
        pdf.set_xy(10, 30)
        pdf.multi_cell(0, text="Dear Ann, we write to you.")

    assert texts(read(tmp_path, draw))[-1].endswith("Dear Ann, we write to you.")
