"""Which sentences answer: the nearest to the question, whole, without repeating each other.

The numbers were chosen on `deploy/local/knowledge/questions.jsonl`, where they lie in the middle of what works as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from deploy.local.models.ports import Vectors

BEST_MIN_SIMILARITY = 0.36
"""Below this the best sentence speaks of something else."""
MORE_MAX_DISTANCE = 0.08
"""How much lower than the best one a further sentence may score."""
DUPLICATE_SIMILARITY = 0.92
MAX_SENTENCES = 3
NEIGHBOUR_WEIGHT = 0.3
"""A sentence beside one that fits is worth more: a passage speaks of one thing for several sentences."""
RANK_BONUS = 0.04
"""What the first passage's sentences gain over the last one's: the search has seen more than one sentence."""


@dataclass(frozen=True)
class Candidate:
    """A sentence, the number of its passage, and that passage's rank: 0 for the first, below 1 for the last."""

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
    score = _scores(candidates, similarity)
    order = [int(index) for index in np.argsort(-score, kind="stable")]
    best = order[0]
    if similarity[best] < BEST_MIN_SIMILARITY:
        return []
    chosen = [best]
    for index in order[1:]:
        if len(chosen) == MAX_SENTENCES or score[index] < score[best] - MORE_MAX_DISTANCE:
            break
        enough = similarity[index] >= BEST_MIN_SIMILARITY
        if enough and not any(_repeats(candidates, vectors, index, other) for other in chosen):
            chosen.append(index)
    return [candidates[index] for index in chosen]


def _scores(candidates: Sequence[Candidate], similarity: Vectors) -> Vectors:
    passages = np.array([candidate.passage for candidate in candidates])
    same = passages[1:] == passages[:-1]
    beside = np.full_like(similarity, -1.0)
    beside[1:][same] = similarity[:-1][same]
    beside[:-1][same] = np.maximum(beside[:-1][same], similarity[1:][same])
    smoothed = np.where(beside == -1, similarity, (similarity + NEIGHBOUR_WEIGHT * beside) / (1 + NEIGHBOUR_WEIGHT))
    ranks = np.array([candidate.rank for candidate in candidates], dtype=np.float32)
    return np.asarray(smoothed + RANK_BONUS * (1 - ranks), dtype=np.float32)


def _repeats(candidates: Sequence[Candidate], vectors: Vectors, one: int, other: int) -> bool:
    texts = candidates[one].text, candidates[other].text
    return texts[0] in texts[1] or texts[1] in texts[0] or float(vectors[one] @ vectors[other]) > DUPLICATE_SIMILARITY
