"""Each format becomes plain text with true places, or is refused with a reason a person understands."""

from pathlib import Path

import pytest

from ingest_service.parsing.parsed import UnreadableError
from tests.unit.ingest.files import a_docx, a_docx_with, a_pdf, a_scan, parsed, texts, written


def test_markdown_loses_its_marks_and_keeps_its_headings(tmp_path: Path) -> None:
    """Blocks stand under their headings; emphasis, links and bullets read as text."""
    source = (
        "# Fees\n\nA card is **free** of [charge](http://x.example).\n\n## Abroad\n\n- no fee\n- no *limit*\n\n"
        "1. one\n2. two\n\n| Plan | Price |\n|---|---|\n| Plus | 5 |\n\n```\ncode  here\n```\n"
    )

    document = parsed(written(tmp_path, "fees.md", source))

    assert document.title == "Fees"
    assert texts(document) == [
        *("Fees", "A card is free of charge.", "Abroad", "- no fee", "- no limit", "1. one", "2. two"),
        *("Plan | Price", "Plus | 5", "code  here"),
    ]
    assert [block.heading for block in document.blocks[:4]] == [
        *(("Fees",), ("Fees",), ("Fees", "Abroad"), ("Fees", "Abroad")),
    ]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("One line\nand   another\n  one.", "One line and   another one."),
        ("One line  \nand another.", "One line\nand another."),
        ("One line \nand another.", "One line and another."),
        ("One line\\\nand another.", "One line\nand another."),
        ("AT&amp;T and \\*stars\\*", "AT&T and *stars*"),
        ("5 < 6 > 4 ! <b>bold</b>", "5 < 6 > 4 ! bold"),
        ("snake_case and _stress_", "snake_case and stress"),
        ("see <https://x.example>, ![a map](m.png) or `code`", "see https://x.example, a map or code"),
    ],
)
def test_markdown_with_and_without_marks_reads_alike(tmp_path: Path, source: str, expected: str) -> None:
    """A paragraph without marks is not looked through for them; whatever may be one is."""
    assert parsed(written(tmp_path, "lines.md", source)).text == expected


def test_front_matter_names_the_document(tmp_path: Path) -> None:
    """It gives the title and is no text."""
    document = parsed(written(tmp_path, "x.md", '---\ntitle: "Card limits"\nowner: me\n---\nText.\n'))

    assert (document.title, document.text) == ("Card limits", "Text.")


def test_html_is_what_a_reader_sees_of_the_main_part(tmp_path: Path) -> None:
    """No scripts, no navigation; headings, lists, tables and line breaks are kept."""
    source = (
        "<!doctype html><html><head><title> Card  limits </title><style>p{}</style></head><body><nav>Home</nav>"
        "<main><h1>Limits</h1><p>You may <b>pay</b> up\n to 5&nbsp;000.<br>Ask us.</p><script>alert(1)</script>"
        "<h2>Cash</h2><ul><li>200 a day</li></ul><table><tr><th>Plan<td>Price</tr></table><pre>a\n  b</pre></main>"
        "<footer>Imprint</footer></body></html>"
    )

    document = parsed(written(tmp_path, "page.html", source))

    assert document.title == "Card limits"
    assert texts(document) == [
        "Limits",
        "You may pay up to 5 000.\nAsk us.",
        "Cash",
        "- 200 a day",
        "Plan | Price",
        "a\n  b",
    ]
    assert document.blocks[3].heading == ("Limits", "Cash")


def test_html_as_deep_as_it_likes_is_read(tmp_path: Path) -> None:
    """Nesting costs no stack."""
    document = parsed(written(tmp_path, "deep.html", "<html><body>" + "<div>" * 10_000 + "bottom"))

    assert document.text == "bottom"


def test_a_pdf_has_pages_and_an_outline(tmp_path: Path) -> None:
    """Each paragraph knows its page, and the outline's entries above it."""
    content = a_pdf("First page about cards.", "Second page about cash.", title="Card guide", outline=True)

    document = parsed(written(tmp_path, "guide.pdf", content))

    assert document.title == "Card guide"
    assert [(block.page, block.heading) for block in document.blocks] == [(1, ("Part 1",)), (2, ("Part 2",))]
    assert texts(document) == ["First page about cards.", "Second page about cash."]


def test_the_lines_of_a_pdf_become_paragraphs_again(tmp_path: Path) -> None:
    """A sentence that was broken at the margin is one sentence."""
    sentence = "This sentence is long enough to be broken at the right margin of the page, and it goes on after that."

    document = parsed(written(tmp_path, "long.pdf", a_pdf(sentence)))

    assert document.text == sentence


def test_a_docx_has_headings_lists_and_tables(tmp_path: Path) -> None:
    """Styles name the headings; table rows are lines."""
    document = parsed(written(tmp_path, "fees.docx", a_docx(title="Our fees")))

    assert document.title == "Our fees"
    assert texts(document) == [
        "Fees",
        "A card costs nothing.",
        "Abroad",
        "- We add no fee.",
        "Plan | Price",
        "Plus | 5",
    ]
    assert document.blocks[-1].heading == ("Fees", "Abroad")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_text_in_the_usual_encodings_is_read(tmp_path: Path, encoding: str) -> None:
    """Accents survive."""
    text = "Où est l'entrée ? Das Gebäude ist groß, and the rest of this is English.\n\nZwei."

    document = parsed(written(tmp_path, "text.txt", text.encode(encoding)))

    assert texts(document) == text.split("\n\n")


def test_what_a_database_refuses_is_left_out(tmp_path: Path) -> None:
    """Control characters are gone and the rest is text."""
    document = parsed(written(tmp_path, "odd.txt", "one\x1b two\x0cthree\ufeff"))

    assert document.text == "one two\nthree"


XML_BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + level, b"&%c;" % (97 + level) * 10) for level in range(12))
    + b"]><w:document xmlns:w='http://schemas.openxmlformats.org/wordprocessingml/2006/main'><w:body><w:p><w:r><w:t>"
    b"&m;</w:t></w:r></w:p></w:body></w:document>"
)
XML_FILE = (
    b'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    b"<w:document xmlns:w='http://schemas.openxmlformats.org/wordprocessingml/2006/main'><w:body><w:p><w:r>"
    b"<w:t>&a;</w:t></w:r></w:p></w:body></w:document>"
)
DOCUMENT = "word/document.xml"


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("locked.pdf", a_pdf("secret", password="pw"), "password_needed"),
        ("scan.pdf", a_scan(), "only_pictures"),
        ("cut.pdf", a_pdf("text")[:200], "damaged_file"),
        ("cut.docx", a_docx()[:-3000], "damaged_file"),
        ("broken.docx", a_docx_with(DOCUMENT, b"<w:document"), "damaged_file"),
        ("bomb.docx", a_docx_with(DOCUMENT, b" " * 80_000_000), "unpacks_too_large"),
        ("empty.txt", b" \n", "empty_file"),
        ("blank.html", b"<html><body><script>1</script></body></html>", "no_text"),
        ("picture.txt", b"\x89PNG\r\n\x1a\n\x00\x00\x00", "unsupported_media_type"),
        ("program.md", b"\x7fELF\x02\x01\x01\x00", "unsupported_media_type"),
        ("noise.txt", bytes(range(1, 256)) * 20, "unsupported_media_type"),
        ("archive.docx", b"PK\x03\x04 nothing of a document", "unsupported_media_type"),
        ("old.docx", bytes.fromhex("d0cf11e0a1b11ae1") + b"\x00" * 100, "unsupported_media_type"),
        ("feed.txt", b"<?xml version='1.0'?><rss/>", "unsupported_media_type"),
        ("japanese.txt", "日本語の文章です。".encode("shift_jis"), "unknown_encoding"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_reason(tmp_path: Path, name: str, content: bytes, code: str) -> None:
    """The code is stable, the message says what to do; what the sender calls the file does not matter."""
    with pytest.raises(UnreadableError) as refused:
        parsed(written(tmp_path, name, content))

    assert refused.value.code == code
    assert len(refused.value.message) > 15


@pytest.mark.parametrize("content", [XML_BOMB, XML_FILE])
def test_entities_of_a_docx_are_not_followed(tmp_path: Path, content: bytes) -> None:
    """Neither a billion laughs nor a file of this machine gets into the text."""
    path = written(tmp_path, "entities.docx", a_docx_with(DOCUMENT, content))

    with pytest.raises(UnreadableError) as refused:
        parsed(path)

    assert refused.value.code in {"damaged_file", "no_text"}


def test_more_text_than_allowed_is_refused(tmp_path: Path) -> None:
    """However small the file is."""
    with pytest.raises(UnreadableError) as refused:
        parsed(written(tmp_path, "long.txt", "word " * 1000), max_characters=4999 - 100)

    assert refused.value.code == "too_much_text"
