"""What users wrote, made fit for storing."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from history_service.text import TITLE_MAX_CHARACTERS, digest_of, folded, storable, storable_json, title_of

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()))


@given(ANY_TEXT)
def test_any_text_becomes_storable(text: str) -> None:
    """UTF-8 without a NUL, of the same length unless two halves made a whole; what was storable is left alone."""
    result = storable(text)

    assert "\0" not in result
    result.encode("utf-8")
    assert len(result) <= len(text)
    assert storable(result) == result


def test_a_lone_surrogate_and_a_nul_are_replaced() -> None:
    """Nothing is left out in silence."""
    assert storable("a\0b\ud800c\N{SNOWMAN}") == "a\ufffdb\ufffdc\N{SNOWMAN}"
    assert storable("a\0b") == "a\ufffdb"


def test_json_is_made_storable_all_the_way_down() -> None:
    """Keys and values, in lists and objects."""
    assert storable_json({"a\0": ["b\0", 1, None, {"c": "\0"}]}) == {"a\ufffd": ["b\ufffd", 1, None, {"c": "\ufffd"}]}


def test_the_digest_is_of_the_utf8_bytes() -> None:
    """Clients work it out in the same way."""
    assert digest_of("ü") == hashlib.sha256(b"\xc3\xbc").hexdigest()


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("How long?", "How long?"),
        ("  \n\t\nHow\t long?  \r\nAnd why?", "How long?"),
        ("a\u202eb\x00c\x1b[31m", "a b\ufffdc [31m"),
        ("\u200b\n \n", "…"),
        ("word " * 30, "word " * 15 + "word…"),
        ("x" * 80, "x" * 80),
        ("x" * 81, "x" * 79 + "…"),
        ("x" * 60 + " " + "y" * 60, "x" * 60 + "…"),
    ],
)
def test_a_title_is_the_first_line_cut_after_a_word(question: str, title: str) -> None:
    """One visible line; nothing in it hides or turns text around."""
    assert title_of(question) == title


@given(ANY_TEXT)
def test_any_question_gives_a_title(question: str) -> None:
    """Never empty, never too long, on one line."""
    title = title_of(question)

    assert 1 <= len(title) <= TITLE_MAX_CHARACTERS
    assert folded(title) == title
