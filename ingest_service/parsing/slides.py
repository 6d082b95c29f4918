"""PPTX: each slide's title, texts, tables and notes, in the order of the show."""

from collections.abc import Iterator
from pathlib import Path

from lxml import etree

from ingest_service.parsing.archive import Archive, opened
from ingest_service.parsing.parsed import TextBuilder

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_TITLE = "{http://purl.org/dc/elements/1.1/}title"
_TITLES = {"title", "ctrTitle"}
_NOT_CONTENT = {"sldNum", "dt", "ftr", "hdr", "sldImg"}


def parse(path: Path, text: TextBuilder) -> None:
    """A slide's title is the heading over its texts; speaker notes come last.

    Raises:
        UnreadableError: `damaged_file`, `password_needed` or `unpacks_too_large`.
    """
    with opened(path, what="PPTX") as archive:
        main = archive.main_part()
        related = archive.related(main)
        if "docProps/core.xml" in archive:
            title = archive.xml("docProps/core.xml").findtext(_TITLE)
            # What PowerPoint itself writes into a new file.
            text.title = None if title == "PowerPoint Presentation" else title
        for number, slide in enumerate(archive.xml(main).iter(f"{_P}sldId"), start=1):
            text.part = number
            text.outline(())
            _write_slide(archive, related[slide.get(f"{_R}id", "")][1], text)


def _write_slide(archive: Archive, name: str, text: TextBuilder) -> None:
    slide = archive.xml(name)
    for shape in _shapes(slide):
        if shape.tag == f"{_P}sp" and _placeholder(shape) in _TITLES:
            text.heading(1, " ".join(_lines(shape)))
    for shape in _shapes(slide):
        if shape.tag == f"{_A}tbl":
            properties = shape.find(f"{_A}tblPr")
            has_header = properties is not None and properties.get("firstRow") in {"1", "true"}
            text.table(
                (["\n".join(_lines(cell)) for cell in row.iterfind(f"{_A}tc")] for row in shape.iterfind(f"{_A}tr")),
                has_header=has_header,
            )
        elif _placeholder(shape) not in _TITLES | _NOT_CONTENT:
            text.block("\n".join(_lines(shape)))
    for kind, notes in archive.related(name).values():
        if kind == "notesSlide" and notes in archive:
            for shape in _shapes(archive.xml(notes)):
                if _placeholder(shape) == "body":
                    said = "\n".join(_lines(shape)).strip()
                    text.block(f"Notes: {said}" if said else "")


def _shapes(root: etree._Element) -> Iterator[etree._Element]:
    """Text shapes and tables, those in groups too."""
    stack = [root]
    while stack:
        element = stack.pop()
        if element.tag in {f"{_P}sp", f"{_A}tbl"}:
            yield element
        elif element.tag != _FALLBACK:
            stack.extend(reversed(element))


def _placeholder(shape: etree._Element) -> str | None:
    """What the layout has the shape for; None when it is not from the layout."""
    found = shape.find(f"{_P}nvSpPr/{_P}nvPr/{_P}ph")
    return None if found is None else str(found.get("type", "obj"))


def _lines(shape: etree._Element) -> Iterator[str]:
    for paragraph in shape.iter(f"{_A}p"):
        parts = paragraph.iter(f"{_A}t", f"{_A}br")
        line = "".join("\n" if part.tag == f"{_A}br" else part.text or "" for part in parts).strip()
        if line:
            yield line
