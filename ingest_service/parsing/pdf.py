"""PDF: its pages' text, under the outline's headings."""

import re
from pathlib import Path

import pypdfium2
from pypdfium2 import raw as pdfium

from ingest_service.parsing.parsed import TextBuilder, UnreadableError

_SOFT_HYPHEN = re.compile(r"[\ufffe\u00ad\x02]\s*\n?")
_HYPHENATED = re.compile(r"(?<=[a-zà-ÿ])-\n(?=[a-zà-ÿ])")
_LIGATURES = str.maketrans({"\ufb00": "ff", "\ufb01": "fi", "\ufb02": "fl", "\ufb03": "ffi", "\ufb04": "ffl"})
_FILE_NAME = re.compile(r"\.\w{2,4}$|^Microsoft|^\(?(?:untitled|anonymous)\)?$", re.IGNORECASE)
_ENDS = (".", "!", "?", ":", ";", "\u3002", "\uff01", "\uff1f")
_BEGINS = re.compile(r"(?:[-•*▪◦‣\u2013]|\(?\d{1,3}[.)]|[a-z][.)])\s")
FULL_LINE_SHARE = 0.75
"""A line this long, compared with its page's longest, goes on in the next one unless a sentence ends there."""

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
            for paragraph in _paragraphs(_page_text(document, number)):
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


def _page_text(document: pypdfium2.PdfDocument, number: int) -> str:
    try:
        page = document[number]
        textpage = page.get_textpage()
    except pypdfium2.PdfiumError:
        return ""  # one broken page costs only itself
    try:
        return str(textpage.get_text_bounded())
    finally:
        textpage.close()
        page.close()


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


def _paragraphs(page: str) -> list[str]:
    page = _SOFT_HYPHEN.sub("", page.replace("\r\n", "\n").translate(_LIGATURES))
    lines = [line.strip() for line in _HYPHENATED.sub("", page).split("\n")]
    full = FULL_LINE_SHARE * max(map(len, lines))
    paragraphs: list[str] = []
    goes_on = False
    for line in lines:
        if goes_on and line and not _BEGINS.match(line):
            paragraphs[-1] += " " + line
        elif line:
            paragraphs.append(line)
        goes_on = len(line) >= full and not line.endswith(_ENDS)
    return paragraphs
