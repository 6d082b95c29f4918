"""What hangs where in a session, held against a tree of plain pointers."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from history_service.tree import BEGINNING, Span, Tree, follows, turn_at


@dataclass
class Plain:
    """Turns by number, each with the number of the one it follows; slow, and plainly right.

    Attributes:
        parents: of each turn; None at the beginning.
        leaf: the last turn of the branch that is shown.
    """

    parents: list[int | None] = field(default_factory=list)
    leaf: int | None = None

    def path(self, leaf: int | None) -> list[int]:
        return [] if leaf is None else [*self.path(self.parents[leaf]), leaf]

    def latest_below(self, turn: int) -> int:
        return max(other for other in range(len(self.parents)) if turn in self.path(other))

    def siblings(self, turn: int) -> list[int]:
        return [other for other, parent in enumerate(self.parents) if parent == self.parents[turn]]

    def parent_of_next(self, replaced: int | None, seen: int | None) -> int | None:
        if replaced is not None:
            return self.parents[replaced]
        if seen is not None and seen not in self.path(self.leaf):
            return self.latest_below(seen)
        return self.leaf

    def add(self, parent: int | None) -> None:
        self.parents.append(parent)
        self.leaf = len(self.parents) - 1


def answer_of(turn: int | None) -> int:
    return BEGINNING if turn is None else 2 * turn + 2


def tree_of(plain: Plain) -> Tree:
    """As the database has it: a turn says what it follows when that is not the one before it."""
    after = {2 * turn + 1: answer_of(parent) for turn, parent in enumerate(plain.parents)}
    return Tree(2 * len(plain.parents), [(position, to) for position, to in after.items() if to != position - 1])


STEPS = st.lists(
    st.tuples(st.sampled_from(["ask", "again", "ask below", "switch"]), st.integers(0, 30)), min_size=1, max_size=25
)


@given(STEPS)
def test_whatever_is_asked_edited_and_switched_the_tree_is_one(steps: list[tuple[str, int]]) -> None:
    """Each turn has its place, its path, its siblings, and a latest one below it; each new one goes where it must."""
    plain = Plain()
    for kind, number in steps:
        chosen = number % len(plain.parents) if plain.parents else None
        tree = tree_of(plain)
        if kind == "switch":
            if chosen is not None:
                assert tree.leaf_below(answer_of(chosen)) == answer_of(plain.latest_below(chosen))
                plain.leaf = plain.latest_below(chosen)
            continue
        replaced, seen = (chosen if kind == "again" else None), (chosen if kind == "ask below" else None)
        parent = plain.parent_of_next(replaced, seen)
        assert answer_of(parent) == follows(
            tree,
            leaf=answer_of(plain.leaf),
            replaced=None if replaced is None else answer_of(replaced) - replaced % 2,
            seen=None if seen is None else answer_of(seen),
        )
        plain.add(parent)

    tree = tree_of(plain)
    for turn, parent in enumerate(plain.parents):
        path = plain.path(turn)
        assert _turns(tree.path(answer_of(turn))) == path
        assert tree.siblings(answer_of(parent)) == [2 * sibling + 1 for sibling in plain.siblings(turn)]
        for other in range(len(plain.parents)):
            assert tree.leads_to(2 * other + 1, answer_of(turn)) == (other in path)


def _turns(path: list[Span]) -> list[int]:
    return [position // 2 for span in path for position in range(span.first, span.last, 2)]


def test_a_session_without_branches_is_one_span() -> None:
    """However long it is: a way costs a step for each turnoff, not for each turn."""
    tree = Tree(10_000)

    assert tree.path(10_000) == [Span(1, 10_000)]
    assert not tree.has_branches
    assert Tree(0).path(0) == []


def test_a_message_belongs_to_its_question() -> None:
    """Question and answer stand side by side."""
    assert [turn_at(position) for position in (1, 2, 3, 4)] == [1, 1, 3, 3]
