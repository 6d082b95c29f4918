"""Chunks are exact pieces of the text, hold all of it, and are never too long."""

import re
from functools import cache
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from ingest_service.chunking import SLICE_CHARACTERS, Splitter, chunk, token_splitter
from ingest_service.parsing.parsed import Parsed, TextBuilder
from tests.unit.ingest.files import parsed, written

TOKENS = 40
TOKENIZER = Path(__file__).parents[3] / "deploy/local/models/tokenizer.json"

words = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(
    ["Hello.", "world", "日本語。", "👩‍👩‍👧", "\n"]
)
paragraphs = st.lists(words, max_size=60).map(" ".join)
parts = st.lists(
    st.tuples(st.sampled_from([0, 0, 1, 2, 3]), paragraphs, st.none() | st.integers(1, 9)), min_size=1, max_size=12
)


@cache
def splitter() -> Splitter:
    return token_splitter(TOKENS, tokenizer_file=TOKENIZER, model="any")


@cache
def tokenizer() -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(TOKENIZER))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def built(given: list[tuple[int, str, int | None]]) -> Parsed | None:
    builder = TextBuilder(max_characters=1_000_000)
    builder.block("Something there must be.")
    for level, text, page in given:
        builder.page = page
        if level:
            builder.heading(level, text)
        else:
            builder.block(text)
    return builder.finished()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(parts)
def test_chunks_are_exact_whole_and_small(given: list[tuple[int, str, int | None]]) -> None:
    """Spans are exact and in order, between them is only white space, none has more tokens than allowed."""
    document = built(given)
    assert document is not None

    chunks = chunk(document, splitter())

    end = 0
    for piece in chunks:
        assert document.text[piece.start : piece.end] == piece.text
        assert document.text[end : piece.start].strip() == ""
        assert len(tokenizer().encode(piece.text, add_special_tokens=False).ids) <= TOKENS
        assert "\x00" not in piece.text
        end = piece.end
    assert document.text[end:].strip() == ""


@settings(max_examples=50, deadline=None)
@given(parts)
@example([(1, "Fees", None), (0, "None.", None), (1, "Fees", None), (1, "Limits", None)])
def test_a_chunk_knows_its_place(given: list[tuple[int, str, int | None]]) -> None:
    """Its page is the page of its first character, and its headings are those of its last."""
    document = built(given)
    assert document is not None

    for piece in chunk(document, splitter()):
        first = next(block for block in document.blocks if block.start <= piece.start < block.end)
        last = next(block for block in document.blocks if block.start < piece.end <= block.end)
        assert piece.page == first.page
        assert piece.heading[: len(last.heading)] == last.heading or last.is_heading


def test_a_heading_goes_with_what_it_heads(tmp_path: Path) -> None:
    """No chunk is a heading alone, and none holds the text of two headings."""
    source = "# Cards\n\n## Limits\n\nFive thousand a month.\n\n## Cash\n\nTwo hundred a day.\n"

    chunks = chunk(parsed(written(tmp_path, "cards.md", source)), splitter())

    assert [piece.text for piece in chunks] == [
        "Cards\n\nLimits\n\nFive thousand a month.",
        "Cash\n\nTwo hundred a day.",
    ]
    assert [piece.heading for piece in chunks] == [("Cards", "Limits"), ("Cards", "Cash")]


def test_chunks_end_with_sentences(tmp_path: Path) -> None:
    """A long paragraph is cut where a sentence ends."""
    source = " ".join(f"This is sentence number {number} of the text." for number in range(100))

    chunks = chunk(parsed(written(tmp_path, "long.txt", source)), splitter())

    assert len(chunks) > 10
    assert all(piece.text.endswith("of the text.") for piece in chunks)


def test_text_without_any_space_is_cut_too(tmp_path: Path) -> None:
    """A long run of characters costs a slice at a time, and nothing of it is lost."""
    source = "x9" * (2 * SLICE_CHARACTERS)

    chunks = chunk(parsed(written(tmp_path, "run.txt", source)), splitter())

    assert "".join(piece.text for piece in chunks) == source


def test_a_model_that_openai_does_not_know_is_counted_all_the_same() -> None:
    """Any name of a model makes a splitter."""
    pieces = token_splitter(8, tokenizer_file=None, model="all-minilm-l6-v2").chunk_indices("one two three " * 20)

    assert len(pieces) > 5
    assert all(len(re.findall(r"\w+", text)) <= 8 for _, text in pieces)
