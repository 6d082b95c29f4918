"""PDF: its pages' text, under the outline's headings."""

import re
from pathlib import Path

import pypdfium2
from pypdfium2 import raw as pdfium

from ingest_service.parsing import layout
from ingest_service.parsing.parsed import TextBuilder, UnreadableError

_SOFT_HYPHEN = re.compile(r"[\ufffe\u00ad\x02]\s*\n?")
_HYPHENATED = re.compile(r"(?<=[a-zà-ÿ])-\n(?=[a-zà-ÿ])")
_LIGATURES = str.maketrans({"\ufb00": "ff", "\ufb01": "fi", "\ufb02": "fl", "\ufb03": "ffi", "\ufb04": "ffl"})
_FILE_NAME = re.compile(r"\.\w{2,4}$|^Microsoft|^\(?(?:untitled|anonymous)\)?$", re.IGNORECASE)
_ENDS = (".", "!", "?", ":", ";", "\u3002", "\uff01", "\uff1f")
_BEGINS = re.compile(r"(?:[-•*▪◦‣\u2013]|\(?\d{1,3}[.)]|[a-z][.)])\s")
FULL_LINE_SHARE = 0.75
"""A line this long, compared with its page's longest, goes on in the next one unless a sentence ends there."""

PLACED_MAX = 20_000_000
"""Pieces times characters: finding a piece's text looks at every character of its page, in some 12 ns."""

Box = tuple[float, float, float, float]
Outline = tuple[tuple[int, str], ...]


def parse(path: Path, text: TextBuilder) -> None:
    """Paragraphs as far as their lines show them; the title is the file's own, if it is more than a file name.

    Raises:
        UnreadableError: `password_needed`, `damaged_file`, or `only_pictures`.
    """
    with _open(path) as document:
        title = document.get_metadata_value("Title")
        text.title = None if _FILE_NAME.search(title.strip()) else title
        outlines = _outlines(document)
        found = False
        for number in range(len(document)):
            text.page = number + 1
            if number in outlines:
                text.outline(outlines[number])
            for part in _page(document, number):
                if isinstance(part, layout.Rows):
                    found = True
                    text.table(part.rows, has_header=layout.has_header(part.rows))
                    continue
                for paragraph in _paragraphs("\n".join(part.lines), part.longest):
                    found = found or not paragraph.isspace()
                    text.block(paragraph)
    if not found:
        raise UnreadableError(
            "only_pictures", "This PDF has no text, only pictures of it: run text recognition (OCR) on it first."
        )


def _open(path: Path) -> pypdfium2.PdfDocument:
    try:
        document = pypdfium2.PdfDocument(path)
        len(document)
    except pypdfium2.PdfiumError as error:
        if error.err_code == pdfium.FPDF_ERR_PASSWORD:
            raise UnreadableError("password_needed", "This PDF needs a password: save it without one.") from error
        raise UnreadableError("damaged_file", "This PDF is damaged: save or export it again.") from error
    return document


def _page(document: pypdfium2.PdfDocument, number: int) -> list[layout.Lines | layout.Rows]:
    try:
        page = document[number]
        textpage = page.get_textpage()
    except pypdfium2.PdfiumError:
        return []  # one broken page costs only itself
    try:
        boxes = _boxes(page, textpage)
        if not boxes:
            lines = str(textpage.get_text_bounded()).split("\n")
            return [layout.Lines(lines, max(map(len, lines)))]
        return layout.ordered(
            shown._replace(text=textpage.get_text_bounded(*box).replace("\r\n", " ")) for box, shown in boxes
        )
    finally:
        textpage.close()
        page.close()


def _boxes(page: pypdfium2.PdfPage, textpage: pypdfium2.PdfTextPage) -> list[tuple[Box, layout.Piece]]:
    """The page's texts and where they are shown, if their order is to be found by that; else the file's own will do."""
    count = textpage.count_rects()
    if count * textpage.count_chars() > PLACED_MAX:
        return []
    boxes: list[Box] = [textpage.get_rect(number) for number in range(count)]
    width, height = page.get_mediabox()[2:]
    # Some pages are turned to be read, some were turned by mistake after they were written.
    for rotation in dict.fromkeys((page.get_rotation(), 0)):
        shown = [layout.turned(layout.Piece(*box), rotation=rotation, width=width, height=height) for box in boxes]
        if layout.is_upright(shown):
            return list(zip(boxes, shown, strict=True)) if layout.has_structure(shown) else []
    return []


def _outlines(document: pypdfium2.PdfDocument) -> dict[int, Outline]:
    """Per page where the outline changes: the entries in force from there on."""
    outlines: dict[int, Outline] = {}
    path: Outline = ()
    for bookmark in document.get_toc():
        name = " ".join(bookmark.get_title().split())
        target = bookmark.get_dest()
        page = None if target is None else target.get_index()
        path = (*(item for item in path if item[0] < bookmark.level), (bookmark.level, name))
        if name and page is not None:
            # Several entries on one page: what they have in common is all that is true of the whole page.
            outlines[page] = _common(outlines[page], path) if page in outlines else path
    return outlines


def _common(first: Outline, second: Outline) -> Outline:
    shared = []
    for one, other in zip(first, second, strict=False):
        if one != other:
            break
        shared.append(one)
    return tuple(shared)


def _paragraphs(page: str, longest: int) -> list[str]:
    page = _SOFT_HYPHEN.sub("", page.replace("\r\n", "\n").translate(_LIGATURES))
    lines = [line.strip() for line in _HYPHENATED.sub("", page).split("\n")]
    full = FULL_LINE_SHARE * longest
    paragraphs: list[str] = []
    goes_on = False
    for line in lines:
        if goes_on and line and not _BEGINS.match(line):
            paragraphs[-1] += " " + line
        elif line:
            paragraphs.append(line)
        goes_on = len(line) >= full and not line.endswith(_ENDS)
    return paragraphs
