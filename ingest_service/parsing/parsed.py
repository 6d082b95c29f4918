"""What every parser makes: the document's plain text, and which part of it stands under which heading and page."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from libs.errors import PermanentError

_NOT_TEXT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f\ufeff\ufffe\uffff\ud800-\udfff]")
_NEWLINES = re.compile(r"\r\n?|[\x0c\x85\u2028\u2029]")
_BLANK_LINES = re.compile(r"[ \t]*\n(?:[ \t]*\n)+")
BETWEEN_BLOCKS = "\n\n"
HEADINGS_BETWEEN = "\x1f"
"""No text that was cleaned has it."""
HEADING_MAX_CHARACTERS = 200
"""A heading path is shown beside a citation; what is longer was a paragraph in large type."""
TITLE_MAX_CHARACTERS = 300
TABLE_HEADER_MAX_CHARACTERS = 500
"""It goes with every passage of the table, to the model and to clients."""


class UnreadableError(PermanentError):
    """This file cannot become text.

    Args:
        code: a stable snake_case name, for programs.
        message: for the person who uploaded it: what is wrong and what to do.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class InTable(NamedTuple):
    """What a row knows of its table.

    Attributes:
        header: the table's line of column names; empty where it has none.
        is_header: whether the row is that line.
        row: as its program counts them, from 1; 0 where rows have no numbers.
    """

    header: str
    is_header: bool = False
    row: int = 0


class Block(NamedTuple):
    """A paragraph, a heading, a table row or such, as a span of the document's text.

    Attributes:
        start: its first character.
        end: one past its last.
        heading: the headings above it, outermost first; a heading stands under itself.
        page: counted from 1; None where the format has no pages.
        is_heading: whether it is a heading itself.
        part: the number of its slide, or the name of its sheet.
        table: for the rows of a table.
    """

    start: int
    end: int
    heading: tuple[str, ...]
    page: int | None
    is_heading: bool
    part: int | str | None = None
    table: InTable | None = None


class Parsed(msgspec.Struct, frozen=True):
    """A document's text and its blocks in order; between two blocks there is only white space."""

    title: str | None
    text: str
    blocks: list[Block]


class TextBuilder:
    """Takes a document's parts in reading order and keeps count of the places.

    Args:
        max_characters: more text than this is refused, whatever the file's size.
    """

    def __init__(self, *, max_characters: int) -> None:
        self._max_characters = max_characters
        self._parts: list[str] = []
        self._length = 0
        self._blocks: list[Block] = []
        self._headings: list[tuple[int, str]] = []
        self.title: str | None = None
        self.page: int | None = None
        self.part: int | str | None = None

    def heading(self, level: int, text: str) -> None:
        """Begin a section: what follows stands under it, until a heading of the same or a higher rank.

        A document that begins with a heading of the highest rank and has no title yet is called so.

        Args:
            level: 1 is the highest rank.
            text: one line; nothing happens when it is blank.
        """
        name = " ".join(clean(text).split())
        if not name:
            return
        if not self._blocks and level <= 1:
            self.title = self.title or name
        self.outline((*(item for item in self._headings if item[0] < level), (level, name[:HEADING_MAX_CHARACTERS])))
        self._append(name, is_heading=True, table=None)

    def outline(self, headings: tuple[tuple[int, str], ...]) -> None:
        """From here on these are the headings above the text, as (level, name), though they are no part of it."""
        self._headings = list(headings)

    @property
    def above(self) -> tuple[tuple[int, str], ...]:
        """The headings in force, as (level, name)."""
        return tuple(self._headings)

    def block(self, text: str, table: InTable | None = None) -> None:
        """Add a paragraph, or a record of several lines; nothing happens when it is blank."""
        self._append(_BLANK_LINES.sub(BETWEEN_BLOCKS, clean(text)).strip(), is_heading=False, table=table)

    def row(self, text: str, table: InTable) -> None:
        """Add the row of a table, as one line; nothing happens when it is blank."""
        self._append(" ".join(clean(text).split()), is_heading=False, table=table)

    def table(self, rows: Iterable[Sequence[str]], *, has_header: bool) -> None:
        """Add the rows of a table that stands in running text: a line each, ` | ` between its cells.

        Args:
            rows: may be of different lengths; blank ones are left out.
            has_header: the first row names the columns, and is repeated with the passages that go on in the table.
        """
        header: str | None = None
        for cells in rows:
            line = joined(cells)
            if not line:
                continue
            is_header = header is None and has_header
            header = header or (line[:TABLE_HEADER_MAX_CHARACTERS] if has_header else "")
            self.row(line, InTable(header, is_header))

    def finished(self) -> Parsed:
        """Everything so far.

        Raises:
            UnreadableError: there is no text at all.
        """
        if not self._blocks:
            raise UnreadableError("no_text", "There is no text in this file.")
        title = " ".join(clean(self.title or "").split())[:TITLE_MAX_CHARACTERS]
        return Parsed(title=title or None, text="".join(self._parts), blocks=self._blocks)

    def _append(self, text: str, *, is_heading: bool, table: InTable | None) -> None:
        if not text:
            return
        if self._parts:
            self._parts.append(BETWEEN_BLOCKS)
            self._length += len(BETWEEN_BLOCKS)
        start, self._length = self._length, self._length + len(text)
        if self._length > self._max_characters:
            raise UnreadableError(
                "too_much_text",
                f"There are more than {self._max_characters:,} characters of text in this file. Split it into parts.",
            )
        self._parts.append(text)
        heading = tuple(name for _, name in self._headings)
        self._blocks.append(Block(start, self._length, heading, self.page, is_heading, self.part, table))


def joined(cells: Sequence[str]) -> str:
    """A row as one line, without the empty cells at its end; empty when all are."""
    parts = [" ".join(clean(cell).split()) for cell in cells]
    while parts and not parts[-1]:
        parts.pop()
    return " | ".join(parts)


def clean(text: str) -> str:
    """The text with one kind of line end and without what a database or a reader chokes on."""
    return _NOT_TEXT.sub("", _NEWLINES.sub("\n", text))
