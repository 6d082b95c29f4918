"""Which sentences answer."""

import numpy as np

from deploy.local.models.ports import Vectors
from deploy.local.models.selection import MAX_SENTENCES, Candidate, select

QUESTION = np.array([1, 0, 0, 0, 0, 0], dtype=np.float32)


def at(similarity: float, direction: int) -> list[float]:
    """A unit vector with this similarity to the question; vectors of other directions differ from it."""
    vector = [0.0] * 6
    vector[0] = similarity
    vector[direction] = float(np.sqrt(1 - similarity**2))
    return vector


def chosen(*sentences: tuple[str, int, list[float]]) -> list[str]:
    """The texts selected among (text, passage, vector)."""
    numbers = sorted({passage for _, passage, _ in sentences})
    candidates = [Candidate(text, passage, numbers.index(passage) / len(numbers)) for text, passage, _ in sentences]
    vectors: Vectors = np.array([vector for _, _, vector in sentences], dtype=np.float32).reshape(-1, 6)
    return [candidate.text for candidate in select(QUESTION, candidates, vectors)]


def test_nothing_answers_when_nothing_is_near() -> None:
    """Neither an empty list nor sentences about something else are an answer."""
    assert chosen() == []
    assert chosen(("Roses need water.", 1, at(0.3, 1))) == []


def test_the_best_comes_first() -> None:
    """And only what is nearly as good comes with it."""
    assert chosen(
        ("Far.", 1, at(0.45, 1)),
        ("Good.", 2, at(0.72, 2)),
        ("Best.", 3, at(0.78, 3)),
    ) == ["Best.", "Good."]


def test_nothing_is_said_twice() -> None:
    """Neither the same sentence from two passages, nor a list and its item, nor nearly the same words."""
    assert chosen(
        ("A fee applies.", 1, at(0.80, 1)),
        ("A fee applies.", 2, at(0.79, 2)),
        ("Note: A fee applies. It is small.", 3, at(0.78, 3)),
        ("A fee applies here.", 4, at(0.80, 1)),
    ) == ["A fee applies."]


def test_an_answer_is_short() -> None:
    """However many sentences fit."""
    assert len(chosen(*((f"Sentence {n}.", n, at(0.8, n)) for n in range(1, 6)))) == MAX_SENTENCES


def test_the_passage_that_ranks_higher_wins_a_tie() -> None:
    """The search has seen more than one sentence."""
    assert chosen(("Later.", 2, at(0.7, 2)), ("First.", 1, at(0.7, 1)))[0] == "First."


def test_a_neighbour_that_fits_wins_a_tie() -> None:
    """A sentence among related ones is worth more than a lonely one."""
    texts = chosen(
        ("Lonely.", 1, at(0.7, 1)),
        ("Off topic.", 1, at(0.0, 5)),
        ("Related.", 2, at(0.66, 2)),
        ("Among friends.", 2, at(0.7, 3)),
    )

    assert texts[0] == "Among friends."
