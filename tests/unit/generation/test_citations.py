"""Markers become citations or vanish, however the stream is cut."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation_service.citations import (
    HELD_MAX_CHARACTERS,
    QUOTE_MAX_CHARACTERS,
    CitationParser,
    cite,
    without_markers,
)
from tests.builders import a_passage

PASSAGES = [a_passage(f"Passage {n}.", title=f"Title {n}") for n in (1, 2, 3)]

# Mostly what markers are made of, so that nearly every example has some, whole, broken and nested.
FRAGMENTS = st.sampled_from(
    [
        *"[]【】^,;- †`\n.1239",
        "[1]",
        "[2]",
        "[9]",
        " [1, 2]",
        "[1][9]",
        " [8, 9]",
        "【3†L1】",
        "``",
        "```",
        "word",
        " a",
    ]
)
TEXTS = st.lists(FRAGMENTS, max_size=40).map("".join)
WITHOUT_CODE = TEXTS.map(lambda text: text.replace("`", "x"))
MARKER = re.compile(r"[\[【] ?\^?([0-9]{1,3}) ?[\]】]")


def parsed(*pieces: str) -> tuple[str, list[int]]:
    parser = CitationParser(PASSAGES)
    results = [*map(parser.feed, pieces), parser.finish()]
    return "".join(result.text for result in results), [c.number for result in results for c in result.citations]


@pytest.mark.parametrize(
    ("said", "shown", "cited"),
    [
        ("Ten seconds [1].", "Ten seconds [1].", [1]),
        ("Ten seconds[1].", "Ten seconds[1].", [1]),
        ("Both [1, 2].", "Both [1][2].", [1, 2]),
        ("Both [1][2] and [2].", "Both [1][2] and [2].", [1, 2]),
        ("All [1-3].", "All [1][2][3].", [1, 2, 3]),
        ("Footnote [^2].", "Footnote [2].", [2]),
        ("Wide 【1】【2†L3-L5】.", "Wide [1][2].", [1, 2]),
        ("Partly [1, 9].", "Partly [1].", [1]),
        ("Nothing [9].", "Nothing.", []),
        ("Nothing [8] [9] more", "Nothing more", []),
        ("Zero [0], huge [4-999].", "Zero, huge.", []),
        ("In the year [2024] and [x] and []", "In the year [2024] and [x] and []", []),
        ("Code `a[9]` and [1]", "Code `a[9]` and [1]", [1]),
        ("```\nrows[9]\n```\nDone [1]", "```\nrows[9]\n```\nDone [1]", [1]),
        ("A lone ` tick\nthen [9].", "A lone ` tick\nthen.", []),
        ("Cut off [1", "Cut off [1", []),
        ("Nested [[9]1]", "Nested […1]", []),
        ("Mixed 【[1]", "Mixed 【[1]", [1]),
        ("[1](https://example.org)", "[1](https://example.org)", [1]),
    ],
)
def test_markers(said: str, shown: str, cited: list[int]) -> None:
    """Known numbers stay as `[n]`, unknown ones vanish, code and other brackets are left alone."""
    assert parsed(said) == (shown, cited)
    assert parsed(*said) == (shown, cited)


@given(TEXTS, st.lists(st.integers(1, 12), min_size=1))
def test_the_cut_does_not_matter(text: str, sizes: list[int]) -> None:
    """Any way the stream is cut gives the same text and the same citations."""
    pieces, at, turn = [], 0, 0
    while at < len(text):
        size = sizes[turn % len(sizes)]
        pieces.append(text[at : at + size])
        at, turn = at + size, turn + 1

    assert parsed(*pieces) == parsed(text)


@given(WITHOUT_CODE)
def test_no_unresolved_marker_is_shown(text: str) -> None:
    """Every marker in what is shown has a passage and a citation, each number once."""
    shown, cited = parsed(text)

    numbers = {int(number) for number in MARKER.findall(shown)}
    assert numbers == set(cited)
    assert numbers <= {1, 2, 3}
    assert len(cited) == len(set(cited))


@given(TEXTS)
def test_what_is_shown_is_stable(text: str) -> None:
    """Reading what was shown again changes nothing: leaving markers out joins no others together."""
    shown, cited = parsed(text)

    assert parsed(shown) == (shown, cited)


@given(st.text(st.characters(exclude_characters="[【")))
def test_text_without_brackets_is_unchanged(text: str) -> None:
    """A text that cites nothing comes out as it went in."""
    assert parsed(*text) == (text, [])


@given(TEXTS)
def test_little_is_held_back(text: str) -> None:
    """At any time at most the beginning of one marker is missing from what is shown."""
    parser = CitationParser(PASSAGES)
    for character in text:
        parser.feed(character)
    assert len(parser.finish().text) <= HELD_MAX_CHARACTERS


def test_a_citation_is_given_with_its_marker() -> None:
    """The citation comes in the same breath as the bracket that completes it."""
    parser = CitationParser(PASSAGES)

    assert parser.feed("Yes [") == ("Yes", ())
    text, [citation] = parser.feed("2]")

    assert text == " [2]"
    assert citation == cite(2, PASSAGES[1])


def test_a_citation_quotes_its_passage_to_the_letter() -> None:
    """The quote is the passage's text; a very long one is cut and its place with it."""
    short, long = a_passage("Short."), a_passage("x" * (QUOTE_MAX_CHARACTERS + 10))

    assert (cite(1, short).quote, cite(1, short).place) == ("Short.", short.place)
    assert cite(1, long).quote == long.text[:QUOTE_MAX_CHARACTERS]
    assert cite(1, long).place.end == QUOTE_MAX_CHARACTERS


def test_an_earlier_answer_loses_its_markers() -> None:
    """Its numbers mean the passages of another prompt."""
    assert without_markers("Ten seconds [1], or a day [2, 3].") == "Ten seconds, or a day."
