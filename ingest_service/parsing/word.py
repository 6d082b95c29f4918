"""DOCX: paragraphs, tables, text boxes and notes under the headings its styles name."""

import re
from collections.abc import Iterator
from pathlib import Path

from lxml import etree

from ingest_service.parsing.archive import Archive, opened
from ingest_service.parsing.parsed import TextBuilder

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_TITLE = "{http://purl.org/dc/elements/1.1/}title"
_BOX = f"{_W}txbxContent"
_TABLE, _ROW, _CELL, _PARAGRAPH = f"{_W}tbl", f"{_W}tr", f"{_W}tc", f"{_W}p"
_NOT_READ = {_FALLBACK, f"{_W}del", f"{_W}moveFrom", f"{_W}pPr", f"{_W}rPr", f"{_W}sectPr"}
"""The second form of the same thing, what was deleted with changes tracked, and how things look."""
_WRITTEN = {f"{_W}tab": "\t", f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}noBreakHyphen": "-"}
_NOTES = {f"{_W}footnoteReference": "footnotes", f"{_W}endnoteReference": "endnotes"}
_HEADING = re.compile(r"heading (\d)", re.IGNORECASE)
LEVELS = 9

Notes = dict[tuple[str, str], str]


def parse(path: Path, text: TextBuilder) -> None:
    """One block a paragraph or table row, a note after what it is noted to; the title is the file's or its first.

    Raises:
        UnreadableError: `damaged_file`, `password_needed` or `unpacks_too_large`.
    """
    with opened(path, what="DOCX") as archive:
        main = archive.main_part()
        parts = {kind: name for kind, name in archive.related(main).values() if name in archive}
        if "docProps/core.xml" in archive:
            text.title = archive.xml("docProps/core.xml").findtext(_TITLE)
        _Writer(text, _styles(archive, parts), _notes(archive, parts)).write(archive.xml(main))


def _styles(archive: Archive, parts: dict[str, str]) -> dict[str, str]:
    """Per style id its name, which Word keeps in English; one with a level in the outline is a heading too."""
    if "styles" not in parts:
        return {}
    names = {}
    for style in archive.xml(parts["styles"]).iter(f"{_W}style"):
        name = _value(style.find(f"{_W}name"))
        level = _value(style.find(f"{_W}pPr/{_W}outlineLvl"))
        names[style.get(f"{_W}styleId", "")] = _heading_name(level) or name
    return names


def _notes(archive: Archive, parts: dict[str, str]) -> Notes:
    notes = {}
    for kind in _NOTES.values():
        if kind in parts:
            for note in archive.xml(parts[kind]):
                body = " ".join(_text(paragraph) for paragraph in note.iter(_PARAGRAPH))
                notes[kind, note.get(f"{_W}id", "")] = " ".join(body.split())
    return notes


class _Writer:
    def __init__(self, text: TextBuilder, styles: dict[str, str], notes: Notes) -> None:
        self._text = text
        self._styles = styles
        self._notes = notes

    def write(self, root: etree._Element) -> None:
        for element in _seen(root, until={_PARAGRAPH, _TABLE}):
            if element.tag == _TABLE:
                self._text.table(_rows(element), has_header=True)
            elif element.tag == _PARAGRAPH:
                self._paragraph(element)
            else:
                continue
            self._beside(element)

    def _paragraph(self, paragraph: etree._Element) -> None:
        content = _text(paragraph)
        style = self._styles.get(_value(paragraph.find(f"{_W}pPr/{_W}pStyle")), "")
        own_level = _heading_name(_value(paragraph.find(f"{_W}pPr/{_W}outlineLvl")))
        heading = _HEADING.match(own_level or style)
        if heading is not None:
            self._text.heading(int(heading[1]), content)
        elif style == "Title":
            self._text.title = self._text.title or content
            self._text.heading(0, content)
        elif content.strip():
            is_item = style.startswith("List") or paragraph.find(f"{_W}pPr/{_W}numPr") is not None
            self._text.block(f"- {content}" if is_item else content)

    def _beside(self, element: etree._Element) -> None:
        """What stands in boxes and notes of a paragraph or table comes after it."""
        for inner in _seen(element, until={_BOX}, into_boxes=True):
            if inner.tag == _BOX:
                self.write(inner)
            elif inner.tag in _NOTES:
                note = self._notes.get((_NOTES[inner.tag], inner.get(f"{_W}id", "")))
                self._text.block(f"Note: {note}" if note else "")


def _seen(root: etree._Element, *, until: set[str], into_boxes: bool = False) -> Iterator[etree._Element]:
    """What is read of the element, in order and without recursion; what is in `until` is given but not entered."""
    stack = list(reversed(root))
    while stack:
        element = stack.pop()
        if element.tag in _NOT_READ or (element.tag == _BOX and not into_boxes):
            continue
        yield element
        if element.tag not in until:
            stack.extend(reversed(element))


def _text(paragraph: etree._Element) -> str:
    parts = []
    for element in _seen(paragraph, until=set()):
        if element.tag in {f"{_W}t", f"{_M}t"}:
            parts.append(element.text or "")
        else:
            parts.append(_WRITTEN.get(element.tag, ""))
    return "".join(parts)


def _rows(table: etree._Element) -> Iterator[list[str]]:
    for row in _seen(table, until={_ROW}):
        if row.tag == _ROW:
            yield [_cell(cell) for cell in _seen(row, until={_CELL}) if cell.tag == _CELL]


def _cell(cell: etree._Element) -> str:
    parts = []
    for element in _seen(cell, until={_PARAGRAPH, _TABLE}):
        if element.tag == _PARAGRAPH:
            parts.append(_text(element))
        elif element.tag == _TABLE:
            parts.append("; ".join(", ".join(filter(None, row)) for row in _rows(element)))
    return " ".join(filter(None, parts))


def _value(element: etree._Element | None) -> str:
    return "" if element is None else str(element.get(f"{_W}val", ""))


def _heading_name(level: str) -> str:
    return f"heading {int(level) + 1}" if level.isdecimal() and int(level) < LEVELS else ""
