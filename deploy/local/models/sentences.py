"""From a passage to the sentences that could answer: Markdown is read, what is shown is plain text."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

SENTENCE_MAX_CHARACTERS = 600
"""Longer ones are no sentences but listings; the embedding would not see their end."""
LIST_MAX_CHARACTERS = 500
CACHED_PASSAGES = 512

# Indented text is code in Markdown, but in text from a PDF it is just indented; HTML is text that somebody wrote.
_MARKDOWN = MarkdownIt("commonmark").enable("table").disable(["code", "html_block", "html_inline", "entity"])

_CLOSING = "[\"')\\]\u2019\u201d\u300d\u300f]*"
_OPENING = "[\"'(\\[\u2018\u201c]*"
_CJK_STOPS = "[\u3002\uff01\uff1f]+"
_END = re.compile(rf"[.!?…]+{_CLOSING}(?=\s+{_OPENING}(\S))|{_CJK_STOPS}{_CLOSING}")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(])(?:[A-Za-z]|e\.g|i\.e|a\.m|p\.m|U\.S|U\.K|Mr|Mrs|Ms|Dr|Prof|St|Nos?|Art|Fig|vs|cf|approx|incl|max|min)\.$",
)
_TERMINATED = re.compile(rf"(?:[.!?…:]|{_CJK_STOPS}){_CLOSING}$")
_SECTION_NUMBER = re.compile(r"\d+(\.\d+)+\.?\s")
_AMOUNT = re.compile(r"[£$€%]|\d[.,]\d")
_CITATION = re.compile(r"\[(\d+)\]")
_CELLS = " | "
_DASH = " \N{EN DASH} "


@dataclass(frozen=True)
class Sentence:
    """What may be quoted.

    Attributes:
        text: whole and readable.
        context: the heading or the lead-in it stands under, which often names the subject.
        focus: the part of it that could match a question, when it is one item of a list; else empty.
    """

    text: str
    context: str = ""
    focus: str = ""


@lru_cache(maxsize=CACHED_PASSAGES)
def sentences_in(passage: str) -> tuple[Sentence, ...]:
    """Sentences, list items, whole short lists and table rows, in the passage's order; headings only as context.

    Understands Markdown, and text that was made from it or from a PDF: headings are then lines without a full stop,
    and table rows are lines with ` | ` between their cells.
    """
    reader = _Reader()
    found: list[Sentence] = []
    for is_rows, blocks in groupby(SyntaxTreeNode(_MARKDOWN.parse(passage)).children, key=_is_row):
        if is_rows:
            found += reader.rows([_cells(_plain(block)) for block in blocks])
        else:
            for block in blocks:
                found += reader.block(block)
    return tuple(sentence for sentence in found if _may_answer(sentence.text))


def split(text: str) -> list[str]:
    """The sentences of running text; a full stop after an abbreviation or before a small letter ends none."""
    parts: list[str] = []
    start = 0
    for end in _END.finditer(text):
        goes_on = end[1] and end[1].islower()
        if not goes_on and not _ABBREVIATION.search(text[start : end.end()]):
            parts.append(text[start : end.end()].strip())
            start = end.end()
    parts.append(text[start:].strip())
    return [part for part in parts if part]


class _Reader:
    """Reads blocks in order and remembers what the next one stands under."""

    def __init__(self) -> None:
        self._heading = ""
        self._lead_in = ""
        self._at_start = True

    def block(self, block: SyntaxTreeNode) -> Iterator[Sentence]:
        match block.type:
            case "heading":
                self._heading, self._lead_in = _plain(block), ""
            case "paragraph":
                yield from self._paragraph(_plain(block, line_break="\n"))
            case "bullet_list" | "ordered_list":
                yield from self._list(block, ordered=block.type == "ordered_list")
            case "table":
                rows = [[_plain(cell) for cell in row.children] for part in block.children for row in part.children]
                self._at_start = False
                yield from self.rows(rows)
            case "fence":
                yield Sentence(" ".join(block.content.split()), self._heading)
            case _:
                for child in block.children:
                    yield from self.block(child)
        self._at_start = False

    def rows(self, rows: Sequence[Sequence[str]]) -> Iterator[Sentence]:
        """Each row as one sentence: its first cell, then the others after the names of their columns.

        A passage that begins with a row may begin in the middle of a table, so its first row is not taken for a head.
        """
        head, rows = ([], rows) if self._at_start or len(rows) == 1 else (rows[0], rows[1:])
        self._at_start, self._lead_in = False, ""
        for row in rows:
            names = list(head) if len(head) == len(row) else [""] * len(row)
            cells = [f"{name}: {cell}" if name else cell for name, cell in zip(names[1:], row[1:], strict=True) if cell]
            yield Sentence(f"{_DASH.join(filter(None, (row[0], '; '.join(cells))))}.", self._heading)

    def _paragraph(self, lines: str) -> Iterator[Sentence]:
        self._lead_in = ""
        runs = list(_runs(lines.split("\n")))
        for run in runs:
            if _is_heading(run, alone=len(runs) == 1):
                self._heading = run
                continue
            *sentences, last = split(run)
            yield from (Sentence(text, self._heading) for text in sentences)
            if last.endswith(":"):
                self._lead_in = last
            else:
                yield Sentence(last, self._heading)

    def _list(self, block: SyntaxTreeNode, *, ordered: bool) -> Iterator[Sentence]:
        items = ["\n".join(_plain(child, line_break="\n") for child in item.children) for item in block.children]
        if len(items) == 1 or any(len(list(_runs(item.split("\n")))) > 1 for item in items):
            # No list, but numbered headings of a text without marks, each with the section below it.
            for item in items:
                yield from self._paragraph(item)
            return
        items = [" ".join(item.split()) for item in items]
        steps = [f"{number}. {item}" for number, item in enumerate(items, 1)] if ordered else items
        whole = " ".join(steps) if all(_TERMINATED.search(item) for item in items) else "; ".join(steps) + "."
        whole = f"{self._lead_in} {whole}".strip()
        context = ": ".join(filter(None, (self._heading, self._lead_in.rstrip(":"))))
        if len(whole) < LIST_MAX_CHARACTERS:
            # One step is no answer: whichever item matches, the list is quoted.
            yield Sentence(whole, self._heading)
            yield from (Sentence(whole, context, item) for item in items)
        else:
            yield from (Sentence(text, context) for item in items for text in split(item) if _TERMINATED.search(text))
        self._lead_in = ""


def _may_answer(text: str) -> bool:
    return len(text) <= SENTENCE_MAX_CHARACTERS and not text.endswith("?")


def _cells(row: str) -> list[str]:
    # A first or last cell that is empty has lost its blank: "| Basic | Plus".
    return [cell.strip() for cell in f" {row} ".split(_CELLS)]


def _is_row(block: SyntaxTreeNode) -> bool:
    return block.type == "paragraph" and len(_cells(text := _plain(block, line_break="\n"))) > 1 and "\n" not in text


def _is_heading(run: str, *, alone: bool) -> bool:
    """Whether a line without a mark is a heading, as far as one can tell; a row of prices is none."""
    if alone and run.endswith("?"):
        return True
    if _TERMINATED.search(run) or (_AMOUNT.search(run) and not _SECTION_NUMBER.match(run)):
        return False
    most_words = 12 if alone else 4
    return len(run.split()) <= most_words or bool(_SECTION_NUMBER.match(run))


def _runs(lines: Sequence[str]) -> Iterator[str]:
    """Lines that belong together, joined.

    Text from a PDF is wrapped: its lines are about equally long. A line that ends early and not with a sentence is a
    heading or a row of a table, so the next line starts anew.
    """
    widest = max(map(len, lines))
    run: list[str] = []
    for line in lines:
        run.append(line.strip())
        if len(line) < 0.7 * widest and not _TERMINATED.search(line):
            yield " ".join(run)
            run = []
    if run:
        yield " ".join(run)


def _plain(node: SyntaxTreeNode, line_break: str = " ") -> str:
    """The text without its marks; what looks like a citation is disarmed, or it would be taken for one of ours."""
    return _CITATION.sub(r"(\1)", "".join(_pieces([node], line_break))).strip()


def _pieces(nodes: Iterable[SyntaxTreeNode], line_break: str) -> Iterator[str]:
    for node in nodes:
        if node.type in {"softbreak", "hardbreak"}:
            yield line_break
        elif node.type in {"text", "code_inline", "fence"}:
            yield node.content
        else:
            yield from _pieces(node.children, line_break)
