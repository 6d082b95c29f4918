"""HTML: the text a reader sees of the main part, under its headings."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from ingest_service.parsing.parsed import TABLE_HEADER_MAX_CHARACTERS, InTable, TextBuilder, joined
from ingest_service.parsing.plain import decode

_UNSEEN = {"script", "style", "noscript", "template", "svg", "math", "iframe", "object", "head", "select", "button"}
_AROUND = {"nav", "footer", "aside", "dialog"}
"""What stands around the text on every page of a site."""
_INLINE = {
    *("a", "abbr", "b", "bdi", "bdo", "cite", "code", "data", "del", "dfn", "em", "font", "i", "ins", "kbd", "label"),
    *("mark", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr"),
}
_HEADINGS = {"h1": 1, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6}
_CELLS = {"td", "th"}
_TEXT = "-text"
_SPACES = re.compile(r"\s+")


def parse(path: Path, text: TextBuilder) -> None:
    """One block a paragraph, list item or table row; `<title>`, or else the first `<h1>`, is the title."""
    page = _parsed(decode(path.read_bytes()))
    title = page.css_first("title") or page.css_first("h1")
    text.title = title.text() if title is not None else None
    articles = page.css("article")
    root = page.css_first("main") or (articles[0] if len(articles) == 1 else page.body)
    if root is not None:
        _Writer(text).write(root, _UNSEEN | _AROUND)


def write(source: str, text: TextBuilder, *, whole: bool = False) -> None:
    """Write what a reader sees of some HTML that is part of something else.

    Args:
        source: the HTML.
        text: takes a block a paragraph, list item or table row.
        whole: also what stands around the text; a book has its notes there.
    """
    body = _parsed(source).body
    if body is not None:
        _Writer(text).write(body, _UNSEEN if whole else _UNSEEN | _AROUND)


def _parsed(source: str) -> LexborHTMLParser:
    try:
        return LexborHTMLParser(source)
    except SelectolaxError as error:
        # Anything is HTML to it: what it cannot do is get the memory.
        raise MemoryError from error


@dataclass(slots=True)
class _Table:
    """A table that is being written: its line of names once it is known, and how many names there were so far."""

    header: str | None = None
    names: int = 0


class _Writer:
    """Collects inline text until a block begins or ends."""

    def __init__(self, text: TextBuilder) -> None:
        self._text = text
        self._line: list[str] = []
        self._row: list[str] | None = None
        self._tables: list[_Table] = []
        self._preformatted = 0

    def write(self, root: LexborNode, unseen: set[str]) -> None:
        for node, entering in _walk(root, unseen):
            tag = node.tag or ""
            if tag == _TEXT:
                content = node.text_content or ""
                self._line.append(content if self._preformatted else _SPACES.sub(" ", content))
            elif tag == "br":
                self._line.append("\n" if entering else "")
            elif tag not in _INLINE:
                self._edge(tag, entering=entering)
        self._flush()

    def _edge(self, tag: str, *, entering: bool) -> None:
        if tag in _HEADINGS and not entering:
            line, self._line = "".join(self._line), []
            self._text.heading(_HEADINGS[tag], line)
        elif tag == "tr":
            self._row_edge(entering=entering)
        elif self._row is not None:
            self._edge_in_row(tag, self._row, entering=entering)
        else:
            self._flush()
            if tag == "table":
                self._tables = [*self._tables, _Table()] if entering else self._tables[:-1]
        if tag == "pre":
            self._preformatted += 1 if entering else -1
        if tag == "li" and entering and self._row is None:
            self._line.append("- ")

    def _row_edge(self, *, entering: bool) -> None:
        if entering:
            self._flush()
            self._row = []
        else:
            row, self._row = self._row or [], None
            self._write_row(row)

    def _edge_in_row(self, tag: str, row: list[str], *, entering: bool) -> None:
        if tag not in _CELLS:
            self._line.append(" ")
        elif not entering:
            row.append(self._taken())
            if tag == "th" and self._tables:
                self._tables[-1].names += 1

    def _write_row(self, row: list[str]) -> None:
        line = joined(row)
        table = self._tables[-1] if self._tables else _Table()
        is_header = table.header is None and table.names > 1 and table.names == len(row)
        if is_header or (line and table.header is None):
            table.header = line[:TABLE_HEADER_MAX_CHARACTERS] if is_header else ""
        self._text.row(line, InTable(table.header or "", is_header))

    def _taken(self) -> str:
        line, self._line = "".join(self._line), []
        if self._preformatted:
            return line
        return "\n".join(" ".join(part.split()) for part in line.split("\n"))

    def _flush(self) -> None:
        line = self._taken()
        if line.strip() != "-":
            self._text.block(line)


def _walk(root: LexborNode, unseen: set[str]) -> Iterator[tuple[LexborNode, bool]]:
    """Every node that is seen, when it begins and, for elements, when it ends; without recursion, as pages are deep."""
    stack: list[tuple[LexborNode, bool]] = [(root, True)]
    while stack:
        node, entering = stack.pop()
        yield node, entering
        if not entering or node.tag == _TEXT:
            continue
        stack.append((node, False))
        child = node.last_child
        while child is not None:
            if child.tag not in unseen:
                stack.append((child, True))
            child = child.prev
