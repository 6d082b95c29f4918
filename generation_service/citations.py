"""Resolves the `[n]` of an answer to passages while it streams.

A marker is `[1]`, `[1, 2]`, `[1; 2]`, `[1-3]`, `[^1]`, also in `【】` and with `†…` behind the numbers, as some models
write; it becomes `[1]`, `[1][2]`, …, with only the numbers that have a passage. One with none is left out, together
with the space before it where punctuation or another space follows.

In Markdown code (between backticks; an inline span ends with its line at the latest) nothing is a marker, so `a[1]`
stays what it is there; outside of code `a[1]` is the claim "a" with its source, for so models write it.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from libs.contracts.values import Citation, Passage

HELD_MAX_CHARACTERS = 48
"""A marker is shorter; what is longer without a closing bracket is text, and is let go."""

QUOTE_MAX_CHARACTERS = 4_000
"""A frame with a quote of this length stays under a client's 32 KiB however its JSON is escaped."""

_NUMBER = r"\^?[0-9]{1,3}"
_MARKER = re.compile(rf" ?[\[【] ?({_NUMBER}(?: ?[,;\u2013-] ?{_NUMBER})*) ?(?:†[^\[\]【】`\n]*)?[\]】]")
# Whatever may still become a marker.
_BODY = r"[\[【][0-9^,;\u2013 -]*(?:†[^\[\]【】`\n]*)?"
_BEGINNING = re.compile(rf" ?{_BODY}")
_DANGLING = re.compile(rf"(?:{_BODY}|`)$")
_SPECIAL = re.compile(r" ?[\[【]|`+")
_SPECIAL_IN_CODE = re.compile(r"`+|\n")
_FENCE_TICKS = 3
_NO_SPACE_BEFORE = frozenset(" \n\t.,;:!?)]}»”")
_GAP = "…"


class Parsed(NamedTuple):
    """Text to show, and the citations that stand in it for the first time."""

    text: str
    citations: tuple[Citation, ...] = ()


class CitationParser:
    """Pieces of a model's text in, in whatever way it is cut; text with resolved markers out.

    Args:
        passages: passage `n` is `passages[n - 1]`.
    """

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._passages = passages
        self._cited: set[int] = set()
        self._held = ""
        # The end of what was let out: leaving something out must not join two halves of a marker.
        self._tail = ""
        self._left_out = False
        self._run = 0
        self._code = 0

    def feed(self, piece: str) -> Parsed:
        """What can be said after this piece; the beginning of a marker is held back."""
        if not piece:
            return Parsed("")
        text = self._held + piece
        self._held = ""
        out: list[str] = []
        citations: list[Citation] = []
        while text:
            text = self._take(text, out, citations)
        return Parsed(self._let_out(out), tuple(citations))

    def finish(self) -> Parsed:
        """What was held back: the answer ended, so it is no marker."""
        held, self._held = self._held, ""
        return Parsed("" if self._left_out and held == " " else held)

    def _take(self, text: str, out: list[str], citations: list[Citation]) -> str:
        """Move one plain stretch or one special thing from `text` to `out`; the rest is returned."""
        if self._run and text[0] != "`":
            self._end_run()
        if self._left_out and text[0] == " ":
            if len(text) == 1:
                self._held = text
                return ""
            if text[1] in _NO_SPACE_BEFORE:
                text = text[1:]
        self._left_out = False
        special = (_SPECIAL_IN_CODE if self._code else _SPECIAL).search(text)
        if special is None:
            if text[-1] == " " and not self._code:
                self._held, text = " ", text[:-1]
            out.append(text)
            return ""
        out.append(text[: special.start()])
        text = text[special.start() :]
        if text[0] == "`":
            self._run += len(special[0])
        elif text[0] == "\n":
            self._code = 0 if self._code < _FENCE_TICKS else self._code
        else:
            return self._take_bracket(text, out, citations)
        out.append(special[0])
        return text[len(special[0]) :]

    def _take_bracket(self, text: str, out: list[str], citations: list[Citation]) -> str:
        beginning = _BEGINNING.match(text)
        length = beginning.end() if beginning else 0
        if length == len(text) < HELD_MAX_CHARACTERS:
            self._held = text
            return ""
        marker = _MARKER.match(text) if length < HELD_MAX_CHARACTERS else None
        if marker is None:
            opening = 2 if text[0] == " " else 1
            out.append(text[:opening])
            return text[opening:]
        rest = text[marker.end() :]
        space = " " if text[0] == " " else ""
        numbers = [n for n in dict.fromkeys(_numbers(marker[1])) if 1 <= n <= len(self._passages)]
        if numbers:
            out.append(space + "".join(f"[{n}]" for n in numbers))
            citations += [cite(n, self._passages[n - 1]) for n in numbers if n not in self._cited]
            self._cited.update(numbers)
        elif _DANGLING.search((self._tail + "".join(out))[-HELD_MAX_CHARACTERS:]):
            out.append(space + _GAP)
        else:
            self._left_out = True
            rest = space + rest
        return rest

    def _end_run(self) -> None:
        if not self._code:
            self._code = self._run
        elif self._run == self._code or (self._code >= _FENCE_TICKS and self._run > self._code):
            self._code = 0
        self._run = 0

    def _let_out(self, out: list[str]) -> str:
        text = "".join(out)
        self._tail = (self._tail + text)[-HELD_MAX_CHARACTERS:]
        return text


def cite(number: int, passage: Passage) -> Citation:
    """The citation of a passage under its number; its place is exactly that of the quote."""
    quote = passage.text[:QUOTE_MAX_CHARACTERS]
    end = passage.place.start + len(quote) if len(quote) < len(passage.text) else passage.place.end
    return Citation(
        number=number,
        chunk_id=passage.chunk_id,
        document_id=passage.document_id,
        version=passage.version,
        title=passage.title,
        media_type=passage.media_type,
        place=passage.place.part(passage.place.start, end),
        quote=quote,
    )


def without_markers(text: str) -> str:
    """An earlier answer without its markers: they number the passages of another prompt."""
    return _MARKER.sub("", text)


def _numbers(body: str) -> Iterator[int]:
    for part in re.split(r"[,;]", body):
        first, *last = [int(number) for number in re.findall(r"[0-9]+", part)]
        yield from range(first, last[-1] + 1) if last else (first,)
