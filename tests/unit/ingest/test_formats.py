"""Slides, workbooks, tables, records, mails and books become text that says where it stands."""

import json
from email.message import EmailMessage
from pathlib import Path

import pytest

from ingest_service.parsing.parsed import Parsed, UnreadableError
from tests.corpus.archives import a_pptx, a_word_file, an_epub, an_xlsx, an_xlsx_of
from tests.unit.ingest.files import a_docx, a_pdf, parsed, texts, written


def rows(document: Parsed) -> list[int]:
    return [block.table.row for block in document.blocks if block.table is not None]


def test_slides_have_titles_texts_tables_and_notes(tmp_path: Path) -> None:
    """In the order of the show, each with its number; the table's header goes with its rows."""
    content = a_pptx(
        ("Cards", ["Cost nothing.\nCome in a week."], [["Plan", "Price"], ["Plus", "5"]], "Smile."),
        ("Cash", ["Two hundred a day."], [], ""),
    )

    document = parsed(written(tmp_path, "show.pptx", content))

    assert document.title == "Cards"
    assert texts(document) == [
        *("Cards", "Cost nothing.\nCome in a week.", "Plan | Price", "Plus | 5", "Notes: Smile."),
        *("Cash", "Two hundred a day."),
    ]
    assert [block.part for block in document.blocks] == [1, 1, 1, 1, 1, 2, 2]
    assert document.blocks[3].table is not None
    assert document.blocks[3].table.header == "Plan | Price"
    assert document.blocks[-1].heading == ("Cash",)


def test_a_workbook_is_its_visible_sheets_row_by_row(tmp_path: Path) -> None:
    """Rows keep the numbers that the program shows; a blank row ends a table; hidden sheets are not read."""
    prices: list[list[object]] = [["Plan", "Price"], ["Plus", 5], ["Pro", 9.5], [], ["Only a note"]]
    content = an_xlsx(Prices=prices, hidden=[["secret"]], Other=[["Key", "Open"], ["a", True]])

    document = parsed(written(tmp_path, "prices.xlsx", content))

    assert texts(document) == ["Plan | Price", "Plus | 5", "Pro | 9.5", "Only a note", "Key | Open", "a | TRUE"]
    assert [block.part for block in document.blocks] == [*["Prices"] * 4, *["Other"] * 2]
    assert rows(document) == [1, 2, 3, 5, 1, 2]
    assert [block.table.header for block in document.blocks if block.table] == [
        *["Plan | Price"] * 3,
        "",
        *["Key | Open"] * 2,
    ]


def test_rows_without_values_cost_nothing(tmp_path: Path) -> None:
    """Twenty thousand of them, and what stands below is found in its row."""
    empty = "".join(f'<row r="{number}"><c r="A{number}"/></row>' for number in range(1, 20_001))
    content = an_xlsx_of(f'{empty}<row r="20001"><c r="A20001"><v>42</v></c></row>')

    document = parsed(written(tmp_path, "empty.xlsx", content))

    assert (document.text, rows(document)) == ("42", [20_001])


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_is_cut_at_whatever_its_cells_are_parted_by(tmp_path: Path, delimiter: str) -> None:
    """Quoted cells may hold it too, and a name of a column is no number."""
    lines = [["Plan", "Price"], ["Plus", '"5, or; less\tor|so"'], ["Pro", "9"]]

    document = parsed(written(tmp_path, "prices.csv", "\n".join(delimiter.join(line) for line in lines)))

    assert texts(document) == ["Plan | Price", "Plus | 5, or; less or|so", "Pro | 9"]
    assert rows(document) == [1, 2, 3]


def test_each_cell_of_a_wide_table_says_what_it_is(tmp_path: Path) -> None:
    """Nobody counts to the twelfth bar; what is empty is left out."""
    header = ",".join(f"col{letter}" for letter in "abcdefghijkl")

    document = parsed(written(tmp_path, "wide.csv", f"{header}\n1,,,,,,,,,,,12\n"))

    assert texts(document)[1] == "cola: 1; coll: 12"


def test_a_table_of_numbers_has_no_header(tmp_path: Path) -> None:
    """Its first row is a row."""
    document = parsed(written(tmp_path, "numbers.csv", "1,2\n3,4\n"))

    assert [block.table.is_header for block in document.blocks if block.table] == [False, False]


def test_json_objects_become_records(tmp_path: Path) -> None:
    """Names lead to values, objects within are sections, and a list of objects is a record each."""
    source = {
        "bank": "Ours",
        "cards": {"plus": {"price": 5, "tags": ["a", "b"]}},
        "branches": [{"city": "Bonn", "open": True, "at": {"street": "Am Markt"}}, {"city": "Köln"}],
    }

    document = parsed(written(tmp_path, "bank.json", json.dumps(source)))

    assert texts(document) == [
        *("bank: Ours", "cards", "plus", "price: 5\ntags: a, b", "branches"),
        *("city: Bonn\nopen: true\nat.street: Am Markt", "city: Köln"),
    ]
    assert document.blocks[3].heading == ("cards", "plus")
    assert document.blocks[5].heading == ("branches",)
    assert rows(document) == [1, 2]


def test_json_lines_are_a_record_each(tmp_path: Path) -> None:
    """Numbered as lines; the broken one is named."""
    document = parsed(written(tmp_path, "log.jsonl", '{"a": 1}\n\n{"a": NaN}\n'))
    with pytest.raises(UnreadableError, match="line 2"):
        parsed(written(tmp_path, "cut.jsonl", '{"a": 1}\n{"a": '))

    assert (texts(document), rows(document)) == (["a: 1", "a: nan"], [1, 3])


def a_mail(*, plain: str | None = "Hello Ann.") -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Date"] = "Zoë <z@bank.example>", "a@bank.example", "Mon, 23 Nov 2026 10:00:00 +0000"
    mail["Subject"] = "Ihre Überweisung"
    if plain is not None:
        mail.set_content(plain)
        mail.add_alternative("<p>Not this.</p>", subtype="html")
    else:
        mail.set_content("<html><body><p>Only <b>this</b>.</p></body></html>", subtype="html")
    return mail


def test_a_mail_says_who_wrote_what_and_what_was_attached(tmp_path: Path) -> None:
    """One of two forms of the body, mails within, and the names of what is not read."""
    mail, outer = a_mail(), a_mail(plain="See below.")
    outer.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="Gebühren.pdf")
    outer.add_attachment(mail)

    document = parsed(written(tmp_path, "mail.eml", outer.as_bytes()))

    assert document.title == "Ihre Überweisung"
    assert texts(document)[2:5] == ["See below.", "Ihre Überweisung", texts(document)[1]]
    assert "Zoë <z@bank.example>" in texts(document)[1]
    assert texts(document)[-2:] == ["Hello Ann.", "Attachments: Gebühren.pdf"]
    assert "Not this." not in document.text


def test_a_mail_of_html_alone_is_read(tmp_path: Path) -> None:
    """As a page is."""
    assert texts(parsed(written(tmp_path, "mail.eml", a_mail(plain=None).as_bytes())))[-1] == "Only this."


def test_a_book_is_read_in_the_order_of_its_spine(tmp_path: Path) -> None:
    """Not in that of its files; notes at the side belong to it."""
    chapters = ("<h1>Two</h1><p>Later.</p>", "<h1>One</h1><p>First.</p><aside>A note.</aside>")

    document = parsed(written(tmp_path, "book.epub", an_epub("Our bank", *chapters, spine=[2, 1])))

    assert document.title == "Our bank"
    assert texts(document) == ["One", "First.", "A note.", "Two", "Later."]
    assert document.blocks[-1].heading == ("Two",)


def test_word_notes_boxes_and_nested_tables_are_read(tmp_path: Path) -> None:
    """A note stands after what it is noted to; of a box there are two forms, and one is read; deletions are not."""

    def run(text: str) -> str:
        return f"<w:r><w:t>{text}</w:t></w:r>"

    box = f"<w:txbxContent><w:p>{run('In a box.')}</w:p></w:txbxContent>"
    markup = "http://schemas.openxmlformats.org/markup-compatibility/2006"
    both = f'<m:AlternateContent xmlns:m="{markup}"><m:Choice>{box}</m:Choice><m:Fallback>{box}</m:Fallback>'
    cell = f"<w:tc><w:p>{run('Plan')}</w:p></w:tc>"
    inner = f"<w:tbl><w:tr><w:tc><w:p>{run('a')}</w:p></w:tc><w:tc><w:p>{run('b')}</w:p></w:tc></w:tr></w:tbl>"
    content = a_word_file(
        f'<w:p>{run("Free")}<w:r><w:footnoteReference w:id="2"/></w:r><w:del>{run("gone")}</w:del>'
        f"<w:ins>{run(' for all.')}</w:ins></w:p><w:p><w:r>{both}</m:AlternateContent></w:r></w:p>"
        f"<w:sdt><w:sdtContent><w:p>{run('Controlled.')}</w:p></w:sdtContent></w:sdt>"
        f"<w:tbl><w:tr>{cell}<w:tc>{inner}<w:p/></w:tc></w:tr></w:tbl>",
        notes={2: "Except on Sundays."},
    )

    document = parsed(written(tmp_path, "notes.docx", content))

    assert texts(document) == [
        *("Free for all.", "Note: Except on Sundays.", "In a box.", "Controlled.", "Plan | a, b"),
    ]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("fees.pdf", a_docx()),
        ("fees.docx", a_pdf("Text.")),
        ("fees.txt", a_pdf("Text.")),
        ("error.pdf", b"<!doctype html><p>404"),
        ("export.csv", b"<html><table><tr><td>1</table>"),
        ("notes.json", b"These are notes."),
        ("show.pptx", an_xlsx(Sheet=[["a"]])),
    ],
)
def test_a_name_that_contradicts_the_content_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    """With both named, so that its sender sees what happened."""
    with pytest.raises(UnreadableError) as refused:
        parsed(written(tmp_path, name, content))

    assert refused.value.code == "media_type_mismatch"


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("protected.epub", an_epub("x", "<p>secret</p>", protected=True), "password_needed"),
        (
            "locked.xlsx",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
            "password_needed",
        ),
        ("cut.xlsx", an_xlsx(Sheet=[["a", "b"]])[:-500], "damaged_file"),
        ("cut.pptx", a_pptx(("a", ["b"], [], ""))[:-100], "damaged_file"),
        ("wide.csv", b"a," * 20_000 + b"\n1,2", "too_many_columns"),
        ("open.csv", b'a,b\n"' + b"x\n" * 600_000, "damaged_file"),
        ("cut.json", b'{"a": 1,\n "b": ', "damaged_file"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path: Path, name: str, content: bytes, code: str) -> None:
    """With a reason that does not end in a library's words."""
    with pytest.raises(UnreadableError) as refused:
        parsed(written(tmp_path, name, content))

    assert refused.value.code == code
    assert "Error" not in refused.value.message


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("Gebäude groß über öffnen".encode() + b"\xff", "Gebäude groß über öffnen\ufffd"),
        ("a café in town, no more of it".encode("latin-1"), "a café in town, no more of it"),
        ("café".encode("utf-16-be"), None),
        (b"\xfe\xff" + "café".encode("utf-16-be"), "café"),
    ],
)
def test_broken_and_old_encodings(tmp_path: Path, raw: bytes, text: str | None) -> None:
    """A broken character costs itself; what cannot be told is refused."""
    path = written(tmp_path, "text.txt", raw)
    if text is None:
        with pytest.raises(UnreadableError):
            parsed(path)
    else:
        assert parsed(path).text == text
