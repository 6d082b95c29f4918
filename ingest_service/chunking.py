"""From a document's text to the passages that are searched: whole sentences, one heading, at most so many tokens."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec
from semantic_text_splitter import TextSplitter

from ingest_service.parsing.parsed import Block, Parsed

SLICE_CHARACTERS = 20_000
"""What the splitter gets at once: on text without spaces its time grows with the square of the length."""


class Chunk(msgspec.Struct, frozen=True):
    """A passage and its place; `text` is the document's text from `start` to `end`, exactly.

    Attributes:
        page: where it begins, counted from 1; None where the format has no pages.
        heading: the headings above it, outermost first.
        more: what only some formats have.
    """

    text: str
    start: int
    end: int
    page: int | None
    heading: tuple[str, ...]
    more: "More | None" = None


class More(msgspec.Struct, frozen=True, omit_defaults=True):
    """The rest of a chunk's place, by the names that `libs.contracts.values.Place` gives it."""

    page_starts: tuple[int, ...] = ()
    slide: int | None = None
    sheet: str | None = None
    rows: tuple[int, int] | None = None
    table_header: str = ""


class Splitter(Protocol):
    """Cuts a text at the best boundaries; gives the offset and text of each piece, without white space around it."""

    def chunk_indices(self, text: str) -> list[tuple[int, str]]: ...


def token_splitter(max_tokens: int, *, tokenizer_file: Path | None, model: str) -> Splitter:
    """A splitter that counts as the embedding model does.

    Args:
        max_tokens: the most a chunk may have.
        tokenizer_file: a `tokenizer.json`; without one OpenAI's encoding for `model` counts.
        model: the embedding model; one that OpenAI does not know is counted as its latest.
    """
    if tokenizer_file is not None:
        return TextSplitter.from_huggingface_tokenizer_file(str(tokenizer_file), max_tokens)
    try:
        return TextSplitter.from_tiktoken_model(model, max_tokens)
    except Exception:  # noqa: BLE001 - the splitter raises a bare Exception for a model it does not know
        return TextSplitter.from_tiktoken_model("text-embedding-3-small", max_tokens)


def chunk(parsed: Parsed, splitter: Splitter) -> list[Chunk]:
    """The document's chunks in order; together they hold all its text but white space between them."""
    starts = [block.start for block in parsed.blocks]
    chunks: list[Chunk] = []
    for section in _sections(parsed.blocks):
        for start, end in _slices(parsed.text, section.start, section.end):
            for offset, text in splitter.chunk_indices(parsed.text[start:end]):
                begin = start + offset
                first = bisect_right(starts, begin) - 1
                last = bisect_left(starts, begin + len(text))
                more = _more(begin, parsed.blocks[first:last])
                page = parsed.blocks[first].page
                chunks.append(Chunk(text, begin, begin + len(text), page, section.heading, more))
    return chunks


def _more(begin: int, blocks: list[Block]) -> More | None:
    first, last = blocks[0], blocks[-1]
    if first.page == last.page and first.table is None and last.table is None and first.part is None:
        return None
    page_starts: list[int] = []
    for before, block in pairwise(blocks):
        # A page without text begins where the next one does.
        page_starts += [block.start] * ((block.page or 0) - (before.page or 0))
    rows = [block.table.row for block in blocks if block.table is not None and block.table.row]
    goes_on = first.table is not None and (not first.table.is_header or begin > first.start)
    more = More(
        page_starts=tuple(page_starts),
        slide=first.part if isinstance(first.part, int) else None,
        sheet=first.part if isinstance(first.part, str) else None,
        rows=(rows[0], rows[-1]) if rows else None,
        table_header=first.table.header if goes_on and first.table is not None else "",
    )
    return None if more == More() else more


class _Section(NamedTuple):
    start: int
    end: int
    heading: tuple[str, ...]


def _sections(blocks: list[Block]) -> Iterator[_Section]:
    """Runs of blocks under the same headings, on the same slide or sheet; a heading alone goes with what follows.

    A heading that says the same as the one before begins a run of its own: it may head what the next one says.
    """
    begin: int | None = None
    for block, after in zip(blocks, [*blocks[1:], None], strict=True):
        begin = block.start if begin is None else begin
        if (
            after is not None
            and (block.is_heading or (after.heading == block.heading and not after.is_heading))
            and (after.part is block.part or after.part == block.part)
        ):
            continue
        yield _Section(begin, block.end, block.heading)
        begin = None


def _slices(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while end - start > SLICE_CHARACTERS:
        middle, limit = start + SLICE_CHARACTERS // 2, start + SLICE_CHARACTERS
        cut = max(text.rfind("\n\n", middle, limit), text.rfind(". ", middle, limit) + 1)
        if cut <= middle:
            cut = max(text.rfind("\n", middle, limit), text.rfind(" ", middle, limit))
        if cut <= middle:
            cut = limit
        yield start, cut
        start = cut
    yield start, end
