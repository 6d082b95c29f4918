"""Which sentences answer: the nearest to the question, whole, without repeating each other."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from deploy.local.models.minilm import Vectors

BEST_MIN_SIMILARITY = 0.40
"""Below this the best sentence speaks of something else."""
MORE_MIN_SIMILARITY = 0.50
MORE_MAX_DISTANCE = 0.12
"""How much less similar than the best one a further sentence may be."""
DUPLICATE_SIMILARITY = 0.92
MAX_SENTENCES = 3
RANK_BONUS = 0.04
"""What the first passage's sentences gain over the last one's: the search has seen more than one sentence."""


@dataclass(frozen=True)
class Candidate:
    """A sentence and the passage it comes from."""

    text: str
    passage: int
    rank: float


def select(question: Vectors, candidates: Sequence[Candidate], vectors: Vectors) -> list[Candidate]:
    """The sentences that answer, best first; none when nothing is near enough.

    Args:
        question: the question's unit vector.
        candidates: in reading order.
        vectors: their unit vectors.
    """
    if not candidates:
        return []
    similarity = vectors @ question
    score = similarity + RANK_BONUS * np.array([1 - candidate.rank for candidate in candidates])
    order = [int(index) for index in np.argsort(-score, kind="stable")]
    best = order[0]
    if similarity[best] < BEST_MIN_SIMILARITY:
        return []
    floor = max(MORE_MIN_SIMILARITY, float(score[best]) - MORE_MAX_DISTANCE)
    chosen = [best]
    for index in order[1:]:
        if len(chosen) == MAX_SENTENCES or score[index] < floor:
            break
        if not any(_repeats(candidates, vectors, index, other) for other in chosen):
            chosen.append(index)
    return [candidates[index] for index in chosen]


def _repeats(candidates: Sequence[Candidate], vectors: Vectors, one: int, other: int) -> bool:
    texts = candidates[one].text, candidates[other].text
    return texts[0] in texts[1] or texts[1] in texts[0] or float(vectors[one] @ vectors[other]) > DUPLICATE_SIMILARITY
