"""Files that are made to hurt; each is small to send and dear to read for somebody who does not look out."""

import io
import zlib
from collections.abc import Callable

from tests.corpus.archives import a_word_file, an_epub, an_xlsx_of, relationships, unzipped, zipped
from tests.unit.ingest.files import a_docx_with

LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {chr(98 + level)} "{f"&{chr(97 + level)};" * 10}">' for level in range(12))
    + "]><w:document xmlns:w='http://schemas.openxmlformats.org/wordprocessingml/2006/main'><w:body><w:p><w:r><w:t>"
    "&m;</w:t></w:r></w:p></w:body></w:document>"
)


def wide_csv() -> bytes:
    """Ten million columns."""
    return b"a," * 10_000_000 + b"a\n1,2\n"


def sparse_workbook() -> bytes:
    """Two cells, seventeen thousand million apart."""
    return an_xlsx_of('<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c></row>')


def empty_workbook() -> bytes:
    """A million rows without a value, and one with."""
    rows = "".join(f'<row r="{number}"><c r="A{number}"/></row>' for number in range(1, 1_000_001))
    return an_xlsx_of(f'{rows}<row r="1000001"><c r="A1000001"><v>42</v></c></row>')


def swollen_pdf() -> bytes:
    """A page whose content unpacks to 100 MB, through a filter on a filter."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(b"(x) Tj " * 1_000_000) for _ in range(15)) + packer.flush()
    return a_pdf_of(zlib.compress(packed), filters="[/FlateDecode /FlateDecode]")


def circular_pdf() -> bytes:
    """A tree of pages that is its own child."""
    return (
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Count 9999999/Kids[2 0 R 2 0 R]>>"
        b"endobj\ntrailer<</Root 1 0 R/Size 3>>\n%%EOF\n"
    )


def a_pdf_of(content: bytes, *, filters: str) -> bytes:
    buffer = io.BytesIO()
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>",
        b"<</Length %d/Filter%s>>stream\n%s\nendstream" % (len(content), filters.encode(), content),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    buffer.write(b"%PDF-1.4\n")
    starts = []
    for number, body in enumerate(objects, start=1):
        starts.append(buffer.tell())
        buffer.write(b"%d 0 obj%s\nendobj\n" % (number, body))
    table = buffer.tell()
    buffer.write(b"xref\n0 6\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % start for start in starts))
    buffer.write(b"trailer<</Root 1 0 R/Size 6>>\nstartxref\n%d\n%%%%EOF\n" % table)
    return buffer.getvalue()


def deep_mail() -> bytes:
    """A mail in a mail in a mail."""
    return b"From: a@b.example\nMIME-Version: 1.0\nDate: now\n" + b"Content-Type: message/rfc822\n\n" * 20_000 + b"x"


def many_parts_mail() -> bytes:
    """Three thousand parts, one boundary in the other."""
    head = b"From: a@b.example\nMIME-Version: 1.0\nDate: now\nContent-Type: multipart/mixed; boundary=b0\n\n"
    part = b"--b%d\nContent-Type: multipart/mixed; boundary=b%d\n\n"
    return head + b"".join(part % (depth, depth + 1) for depth in range(3_000))


def deep_word() -> bytes:
    """Tables in tables, two thousand deep."""
    depth = 2_000
    inner = "<w:tbl><w:tr><w:tc>" * depth + "<w:p><w:r><w:t>x</w:t></w:r></w:p>" + "</w:tc></w:tr></w:tbl>" * depth
    return a_word_file(inner)


def circular_book() -> bytes:
    """One chapter of a megabyte, a thousand times in the spine."""
    return an_epub("Again", "<p>" + "again " * 170_000 + "</p>", spine=[1] * 1_000)


def nested_archive() -> bytes:
    """Zeros in an archive in an archive."""
    return zipped({"1.zip": zipped({"2.zip": zipped({"zeros": b"\0" * 50_000_000})})})


def outward_word() -> bytes:
    """A document whose main part lies outside of the archive."""
    parts = unzipped(a_word_file("<w:p/>"))
    return zipped({**parts, "_rels/.rels": relationships(officeDocument="../../../../etc/passwd")})


BOMBS: dict[str, Callable[[], bytes]] = {
    "wide.csv": wide_csv,
    "quoted.csv": lambda: b'a,b\n"' + b"x\n" * 5_000_000,
    "sparse.xlsx": sparse_workbook,
    "empty.xlsx": empty_workbook,
    "swollen.pdf": swollen_pdf,
    "circular.pdf": circular_pdf,
    "zeros.docx": lambda: a_docx_with("word/document.xml", b" " * 80_000_000),
    "laughs.docx": lambda: a_docx_with("word/document.xml", LAUGHS.encode()),
    "deep.docx": deep_word,
    "outward.docx": outward_word,
    "deep.json": lambda: b"[" * 5_000_000,
    "deep_objects.json": lambda: b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "digits.json": lambda: b'{"number": ' + b"9" * 1_000_000 + b"}",
    "deep.eml": deep_mail,
    "parts.eml": many_parts_mail,
    "deep.html": lambda: b"<html><body>" + b"<div>" * 1_000_000 + b"bottom",
    "attributes.html": lambda: b"<html><body><p " + b"".join(b"a%d=1 " % n for n in range(500_000)) + b">text",
    "deep.md": lambda: b"> " * 100_000 + b"bottom",
    "brackets.md": lambda: b"[" * 200_000 + b"text",
    "line.txt": lambda: b"word " * 4_000_000,
    "run.txt": lambda: b"x" * 5_000_000,
    "circular.epub": circular_book,
    "nested.zip": nested_archive,
    "nested.docx": nested_archive,
}
