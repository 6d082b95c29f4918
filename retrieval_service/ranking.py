"""From candidates to the passages worth giving."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

from libs.contracts.values import Passage, Place

LIKE = 0.9
"""The share of the words of two passages that both have, from which on they may be the same text."""

JOINED_MAX_CHARACTERS = 4_000
"""About 1,000 tokens: what is joined out of chunks fits a prompt beside others, and a citation's frame."""

GAP_MAX_CHARACTERS = 2
"""Between two chunks there is nothing but white space; where it is longer than this, a very short one may stand."""

_WORD = re.compile(r"\w+")


def fold_duplicates(passages: Iterable[Passage], *, top_k: int) -> tuple[Passage, ...]:
    """The first `top_k` that do not say what a better one says already, in their order.

    Said already is: the same words in the same order, alone or within a longer passage; or, by another document, nearly
    all of the same words with no number that differs. Case, punctuation and white space do not count.
    """
    kept: list[Passage] = []
    said: list[_Said] = []
    for passage in passages:
        if len(kept) == top_k:
            break
        this = _said(passage)
        if not any(_repeats(this, better) for better in said):
            kept.append(passage)
            said.append(this)
    return tuple(kept)


class _Said(NamedTuple):
    document_id: UUID
    text: str
    words: frozenset[str]


def _said(passage: Passage) -> _Said:
    words = _WORD.findall(passage.text.casefold())
    # With spaces around: one word is not found within another.
    return _Said(passage.document_id, f" {' '.join(words)} ", frozenset(words))


def _repeats(one: _Said, better: _Said) -> bool:
    # Nearly always the sets differ, and to compare them costs a tenth of a search through the text.
    if one.words <= better.words and one.text in better.text:
        return True
    if one.document_id == better.document_id:
        return False  # who wrote both meant both
    differing = one.words ^ better.words
    if len(differing) > (1 - LIKE) * len(one.words | better.words):
        return False
    return not any(character.isdigit() for word in differing for character in word)


def join_neighbours(passages: Sequence[Passage]) -> tuple[Passage, ...]:
    """Passages that go on in each other become one, at the place of the best of them and with its score.

    Only under the same headings and on the same slide or sheet, up to `JOINED_MAX_CHARACTERS`. The white space between
    two chunks is not known by its kind, only by its length: a space, or an empty line.
    """
    joined = {passage.chunk_id: passage for passage in passages}
    order = {passage.chunk_id: rank for rank, passage in enumerate(passages)}
    before: Passage | None = None
    for passage in sorted(passages, key=lambda p: (p.document_id, p.version, p.place.start)):
        if before is not None and _goes_on(before, passage):
            del joined[before.chunk_id], joined[passage.chunk_id]
            rank = min(order[before.chunk_id], order[passage.chunk_id])
            before = _join(before, passage)
            joined[before.chunk_id] = before
            order[before.chunk_id] = rank
        else:
            before = passage
    return tuple(sorted(joined.values(), key=lambda passage: order[passage.chunk_id]))


def _goes_on(one: Passage, other: Passage) -> bool:
    here, there = one.place, other.place
    return (
        (one.document_id, one.version) == (other.document_id, other.version)
        and 0 <= there.start - here.end <= GAP_MAX_CHARACTERS
        and there.end - here.start <= JOINED_MAX_CHARACTERS
        and (here.heading, here.slide, here.sheet) == (there.heading, there.slide, there.sheet)
    )


def _join(one: Passage, other: Passage) -> Passage:
    here, there = one.place, other.place
    gap = ("", " ", "\n\n")[there.start - here.end]
    turned = max(0, (there.page or 0) - (here.last_page or 0))
    rows = [row for place in (here, there) if place.rows for row in place.rows]
    place = Place(
        page=here.page,
        heading=here.heading,
        start=here.start,
        end=there.end,
        page_starts=(*here.page_starts, *[there.start] * turned, *there.page_starts),
        slide=here.slide,
        sheet=here.sheet,
        rows=(rows[0], rows[-1]) if rows else None,
        table_header=here.table_header,
    )
    return one.model_copy(
        update={"text": one.text + gap + other.text, "place": place, "score": max(one.score, other.score)}
    )
