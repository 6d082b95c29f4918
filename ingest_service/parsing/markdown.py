"""Markdown: its text without the marks, under its headings."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from ingest_service.parsing.parsed import TextBuilder
from ingest_service.parsing.plain import decode

_FRONT_MATTER = re.compile(r"\A---[ \t]*\r?\n(.*?\r?\n)---[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_FRONT_TITLE = re.compile(r"^title:[ \t]*(['\"]?)(.+?)\1[ \t]*$", re.MULTILINE)
_CELLS = {"th_open", "td_open"}
_TAGS = re.compile(r"<[^>]*>")
_MARKED = re.compile(r"[\\`*_\[<&]|[ \t]\n")
"""What can be more than text in CommonMark, or a line break that has to be looked at."""
_NEXT_LINE = re.compile(r"\n[ \t]*")


def _inline(state: StateCore) -> None:
    """As markdown-it's rule of this name, which looks at each word of a paragraph that has no marks at all."""
    for token in state.tokens:
        if token.type != "inline":
            continue
        token.children = []
        if _MARKED.search(token.content):
            state.md.inline.parse(token.content, state.md, state.env, token.children)
        else:
            token.children.append(Token("text", "", 0, content=_NEXT_LINE.sub(" ", token.content)))


def _markdown() -> MarkdownIt:
    made = MarkdownIt("commonmark").enable("table")
    made.core.ruler.at("inline", _inline)
    return made


_MARKDOWN = _markdown()
"""It keeps nothing of what it has read."""


def parse(path: Path, text: TextBuilder) -> None:
    """One block a paragraph, list item, table row or code block; the front matter may name the title."""
    source = decode(path.read_bytes())
    front = _FRONT_MATTER.match(source)
    if front is not None:
        title = _FRONT_TITLE.search(front[1])
        text.title = title[2] if title else None
        source = source[front.end() :]
    _write(_MARKDOWN.parse(source), text)


def _write(tokens: Sequence[Token], text: TextBuilder) -> None:
    lists: list[str] = []
    mark = ""
    for at, token in enumerate(tokens):
        before = tokens[at - 1] if at else token
        if token.type == "inline":
            if before.type == "heading_open":
                text.heading(int(before.tag[1]), _plain(token))
            elif before.type not in _CELLS:
                text.block(mark + _plain(token))
                mark = ""
        elif token.type == "table_open":
            text.table(_rows(islice(tokens, at, None)), has_header=True)
        elif token.type in {"fence", "code_block", "html_block"}:
            text.block(_TAGS.sub(" ", token.content) if token.type == "html_block" else token.content)
        elif token.type == "list_item_open":
            mark = f"{token.info}. " if lists[-1].startswith("ordered") else "- "
        elif token.type.endswith("_list_open"):
            lists.append(token.type)
        elif token.type.endswith("_list_close"):
            lists.pop()


def _rows(table: Iterable[Token]) -> Iterator[list[str]]:
    """The cells of each row, up to the end of the table."""
    row: list[str] = []
    for token in table:
        if token.type == "inline":
            row.append(_plain(token))
        elif token.type == "tr_close":
            yield row
            row = []
        elif token.type == "table_close":
            return


def _plain(token: Token) -> str:
    parts: list[str] = []
    for child in token.children or []:
        match child.type:
            case "text" | "code_inline" | "text_special":
                parts.append(child.content)
            case "image":
                parts.append(_plain(child) or child.content)
            case "softbreak":
                parts.append(" ")
            case "hardbreak":
                parts.append("\n")
    return "".join(parts)
