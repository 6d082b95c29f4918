"""Office files and books, part by part, as the programs write them."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from html import escape

import xlsxwriter

_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_A = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
_P = 'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"'
W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'

Slide = tuple[str, Sequence[str], Sequence[Sequence[str]], str]
"""Title, texts, rows of a table, speaker notes."""


def zipped(parts: Mapping[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def unzipped(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def relationships(**targets: str) -> str:
    """`kind="target"`; the ids are rId1, rId2, … in their order. A number behind a kind makes another of it."""
    items = "".join(
        f'<Relationship Id="rId{number}" Type="{_OFFICE}/{kind.rstrip("0123456789")}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets.items(), start=1)
    )
    return f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{items}</Relationships>'


def a_word_file(body: str, *, notes: Mapping[int, str] | None = None) -> bytes:
    """A DOCX of this body; notes by the ids that it refers to."""
    parts = {
        "[Content_Types].xml": f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types"/>',
        "_rels/.rels": relationships(officeDocument="word/document.xml"),
        "word/document.xml": f"{_HEAD}<w:document {W}><w:body>{body}</w:body></w:document>",
    }
    if notes is not None:
        items = "".join(
            f'<w:footnote w:id="{number}"><w:p><w:r><w:t>{escape(text)}</w:t></w:r></w:p></w:footnote>'
            for number, text in notes.items()
        )
        parts["word/footnotes.xml"] = f"{_HEAD}<w:footnotes {W}>{items}</w:footnotes>"
        parts["word/_rels/document.xml.rels"] = relationships(footnotes="footnotes.xml")
    return zipped(parts)


def a_pptx(*slides: Slide) -> bytes:
    ids = "".join(f'<p:sldId id="{255 + number}" r:id="rId{number}"/>' for number in range(1, len(slides) + 1))
    parts = {
        "[Content_Types].xml": f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types"/>',
        "_rels/.rels": relationships(officeDocument="ppt/presentation.xml"),
        "ppt/presentation.xml": (
            f'{_HEAD}<p:presentation {_P} xmlns:r="{_OFFICE}"><p:sldIdLst>{ids}</p:sldIdLst></p:presentation>'
        ),
        "ppt/_rels/presentation.xml.rels": relationships(
            **{f"slide{number}": f"slides/slide{number}.xml" for number in range(1, len(slides) + 1)}
        ),
    }
    for number, (title, texts, rows, notes) in enumerate(slides, start=1):
        table = "".join(
            f"<a:tr>{''.join(f'<a:tc><a:txBody>{_lines(cell)}</a:txBody></a:tc>' for cell in row)}</a:tr>"
            for row in rows
        )
        shapes = [_shape("title", title), *(_shape("body", text) for text in texts)]
        if rows:
            shapes.append(f'<p:graphicFrame><a:tbl><a:tblPr firstRow="1"/>{table}</a:tbl></p:graphicFrame>')
        parts[f"ppt/slides/slide{number}.xml"] = _slide("sld", shapes)
        parts[f"ppt/slides/_rels/slide{number}.xml.rels"] = relationships(
            notesSlide=f"../notesSlides/notesSlide{number}.xml"
        )
        parts[f"ppt/notesSlides/notesSlide{number}.xml"] = _slide("notes", [_shape("body", notes)])
    return zipped(parts)


def _slide(kind: str, shapes: Sequence[str]) -> str:
    return f"{_HEAD}<p:{kind} {_P} {_A}><p:cSld><p:spTree>{''.join(shapes)}</p:spTree></p:cSld></p:{kind}>"


def _shape(kind: str, text: str) -> str:
    placeholder = f'<p:nvSpPr><p:nvPr><p:ph type="{kind}"/></p:nvPr></p:nvSpPr>'
    return f"<p:sp>{placeholder}<p:txBody>{_lines(text)}</p:txBody></p:sp>"


def _lines(text: str) -> str:
    return "".join(f"<a:p><a:r><a:t>{escape(line)}</a:t></a:r></a:p>" for line in text.split("\n"))


def an_xlsx(**sheets: Sequence[Sequence[object]]) -> bytes:
    """Rows by sheet; a sheet whose name begins with `hidden` is hidden."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as workbook:
        for name, rows in sheets.items():
            sheet = workbook.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
            if name.startswith("hidden"):
                sheet.hide()
    return buffer.getvalue()


def an_xlsx_of(rows: str) -> bytes:
    """A workbook whose one sheet has these rows, in its own XML."""
    sheet = f'{_HEAD}<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    return zipped({**unzipped(an_xlsx(Sheet=[])), "xl/worksheets/sheet1.xml": f"{sheet}{rows}</sheetData></worksheet>"})


def an_epub(title: str, *chapters: str, spine: Sequence[int] | None = None, protected: bool = False) -> bytes:
    """A book of these bodies; the spine may put them into another order, counted from 1."""
    numbers = range(1, len(chapters) + 1)
    items = "".join(f'<item id="c{n}" href="c%20{n}.xhtml" media-type="application/xhtml+xml"/>' for n in numbers)
    order = "".join(f'<itemref idref="c{n}"/>' for n in spine or numbers)
    parts = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": (
            f'{_HEAD}<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
            '<rootfile full-path="OEBPS/book.opf"/></rootfiles></container>'
        ),
        "OEBPS/book.opf": (
            f'{_HEAD}<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/">'
            f"<metadata><dc:title>{escape(title)}</dc:title></metadata><manifest>{items}</manifest>"
            f"<spine>{order}</spine></package>"
        ),
    }
    for number, body in zip(numbers, chapters, strict=True):
        parts[f"OEBPS/c {number}.xhtml"] = (
            f'{_HEAD}<html xmlns="http://www.w3.org/1999/xhtml"><head><title/></head><body>{body}</body></html>'
        )
    if protected:
        parts["META-INF/encryption.xml"] = (
            f'{_HEAD}<encryption xmlns:e="http://www.w3.org/2001/04/xmlenc#">'
            '<e:CipherReference URI="OEBPS/c 1.xhtml"/></encryption>'
        )
    return zipped(parts)
