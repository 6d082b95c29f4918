"""A chunk says where all of it stands: pages, slides, sheets, rows, and the header of the table it goes on in."""

from pathlib import Path

from ingest_service.chunking import Chunk, More, chunk
from ingest_service.index import embedded_text
from libs.contracts.values import Place
from tests.corpus.archives import a_pptx, an_xlsx
from tests.unit.ingest.files import a_pdf, parsed, written
from tests.unit.ingest.test_chunking import splitter


def place_of(piece: Chunk) -> Place:
    assert piece.more is not None
    return Place(page=piece.page, start=piece.start, end=piece.end, page_starts=piece.more.page_starts)


def test_the_page_of_a_cited_sentence_is_its_own(tmp_path: Path) -> None:
    """However many pages its chunk goes over, and though a page between them is empty."""
    document = parsed(written(tmp_path, "guide.pdf", a_pdf("Cards are free.", "", "Cash is two.", "Ask us.")))
    [piece] = chunk(document, splitter())
    place = place_of(piece)

    pages = {}
    for sentence in ("Cards are free.", "Cash is two.", "Ask us."):
        start = document.text.index(sentence)
        found = place.part(start, start + len(sentence))
        pages[sentence] = (found.page, found.last_page)

    assert pages == {"Cards are free.": (1, 1), "Cash is two.": (3, 3), "Ask us.": (4, 4)}
    assert (place.page, place.last_page) == (1, 4)
    start = document.text.index("free.")
    over = place.part(start, document.text.index("two."))
    assert (over.page, over.last_page) == (1, 3)


def test_a_chunk_that_goes_on_in_a_table_has_its_header(tmp_path: Path) -> None:
    """Only that; the rows are those that it holds, in the program's numbers."""
    rows: list[list[object]] = [
        ["Plan", "Price a month"],
        *([f"Plan number {number}", number] for number in range(2, 40)),
    ]

    first, *others = chunk(parsed(written(tmp_path, "prices.xlsx", an_xlsx(Prices=rows))), splitter())

    assert first.more is not None
    assert (first.more.sheet, first.more.table_header) == ("Prices", "")
    assert first.more.rows is not None
    last = first.more.rows[1]
    assert (first.more.rows[0], first.text.splitlines()[-1]) == (1, f"Plan number {last} | {last}")
    for piece in others:
        assert piece.more is not None
        assert piece.more.table_header == "Plan | Price a month"
        assert piece.more.rows is not None
        assert piece.more.rows[0] == last + 1
        last = piece.more.rows[1]
    assert last == 39


def test_no_chunk_goes_over_two_slides_or_sheets(tmp_path: Path) -> None:
    """However short they are."""
    slides = a_pptx(("", ["One."], [], ""), ("", ["Two."], [], ""))
    sheets = an_xlsx(A=[["One"]], B=[["Two"]])

    shown = chunk(parsed(written(tmp_path, "show.pptx", slides)), splitter())
    kept = chunk(parsed(written(tmp_path, "kept.xlsx", sheets)), splitter())

    assert [(piece.text, piece.more and piece.more.slide) for piece in shown] == [("One.", 1), ("Two.", 2)]
    assert [(piece.text, piece.more and piece.more.sheet) for piece in kept] == [("One", "A"), ("Two", "B")]


def test_a_row_is_embedded_with_its_header_and_sheet() -> None:
    """A row of numbers alone is near nothing that anybody asks."""
    piece = Chunk("Plus | 5", 0, 8, None, (), More(sheet="2026", rows=(3, 3), table_header="Plan | Price"))

    assert embedded_text("Prices", piece) == "Prices > 2026\nPlan | Price\nPlus | 5"


def test_running_text_has_nothing_more(tmp_path: Path) -> None:
    """What most chunks do not have costs them nothing."""
    [piece] = chunk(parsed(written(tmp_path, "note.txt", "One.\n\nTwo.")), splitter())

    assert piece.more is None
