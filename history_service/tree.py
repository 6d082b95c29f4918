"""The tree that the turns of a session make, by positions alone (ADR 34).

A turn's question has an odd position, its answer the next one. A turn follows the answer before it in the session's
order, unless it is a turnoff, which says what it follows. So a branch is a few spans of positions, however long it is.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from typing import NamedTuple

BEGINNING = 0
"""What a session's first question follows."""
SIBLINGS_MAX = 50
"""Turns at one place: nobody leafs through more, and all of them are named with each of their messages."""


class Turnoff(NamedTuple):
    """A question that follows another answer than the one before it in the session's order.

    Attributes:
        position: the question's.
        after: of the answer that it follows, or `BEGINNING`.
    """

    position: int
    after: int


class Span(NamedTuple):
    """Turns that follow each other in the session's order too: its first question, and its last answer."""

    first: int
    last: int


def turn_at(position: int) -> int:
    """The question of the turn that this message is of."""
    return position - (position % 2 == 0)


class Tree:
    """What hangs where.

    Args:
        last: the position of the session's latest answer; 0: it has none.
        turnoffs: all of the session's.
    """

    def __init__(self, last: int, turnoffs: Iterable[tuple[int, int]] = ()) -> None:
        self.last = last
        self._turnoffs = sorted(Turnoff(*turnoff) for turnoff in turnoffs)
        self._questions = [turnoff.position for turnoff in self._turnoffs]
        self._after = dict(self._turnoffs)

    @property
    def has_branches(self) -> bool:
        """Some answer is followed by more than one question, or the beginning is."""
        return bool(self._turnoffs)

    def after(self, question: int) -> int:
        """What this question follows."""
        return self._after.get(question, question - 1)

    def path(self, leaf: int) -> list[Span]:
        """The way from the beginning to this answer."""
        spans = []
        while leaf > BEGINNING:
            number = bisect_right(self._questions, leaf) - 1
            turnoff = self._turnoffs[number] if number >= 0 else Turnoff(1, BEGINNING)
            spans.append(Span(turnoff.position, leaf))
            leaf = turnoff.after
        return spans[::-1]

    def leads_to(self, position: int, leaf: int) -> bool:
        """Whether this message is on the way to that answer."""
        return any(span.first <= position <= span.last for span in self.path(leaf))

    def leaf_below(self, position: int) -> int:
        """The latest answer among all that came of this message's turn."""
        firsts, lasts = [turn_at(position)], [self._end(turn_at(position))]
        for turnoff in self._turnoffs[bisect_right(self._questions, position) :]:
            number = bisect_right(firsts, turnoff.after) - 1
            if number >= 0 and turnoff.after <= lasts[number]:
                firsts.append(turnoff.position)
                lasts.append(self._end(turnoff.position))
        return lasts[-1]

    def siblings(self, after: int) -> list[int]:
        """The questions that follow this answer, in the session's order."""
        others = [turnoff.position for turnoff in self._turnoffs if turnoff.after == after]
        has_first = after < self.last and after + 1 not in self._after
        return [after + 1, *others] if has_first else others

    def _end(self, question: int) -> int:
        number = bisect_left(self._questions, question + 1)
        return self._questions[number] - 1 if number < len(self._questions) else self.last


def follows(tree: Tree, *, leaf: int, replaced: int | None, seen: int | None) -> int:
    """The answer that a new question follows.

    Args:
        tree: of its session.
        leaf: the last answer of the branch that is shown.
        replaced: a message of the turn in whose stead it is asked: it follows what that one does.
        seen: the last answer that its asker saw. On the branch that is shown they may only not have seen the latest;
            on another one, that one goes on.
    """
    if replaced is not None:
        return tree.after(turn_at(replaced))
    if seen is not None and not tree.leads_to(seen, leaf):
        return tree.leaf_below(seen)
    return leaf
