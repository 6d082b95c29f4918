"""How good a ranking is, and how sure that is."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

Z_95 = 1.96
"""Of a normal distribution's middle 95 %."""


class Mean(NamedTuple):
    """A mean with half of its 95 % confidence interval."""

    value: float
    within: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ±{self.within:.3f}"


def recall(ranking: Sequence[str], relevant: Mapping[str, float], k: int) -> float:
    """The share of the relevant documents among the first `k`."""
    return sum(document in relevant for document in ranking[:k]) / len(relevant)


def ndcg(ranking: Sequence[str], relevant: Mapping[str, float], k: int) -> float:
    """The discounted gain of the first `k` by that of the best order there is (Järvelin and Kekäläinen 2002)."""
    gain = sum(relevant.get(document, 0.0) / math.log2(rank + 2) for rank, document in enumerate(ranking[:k]))
    best = sorted(relevant.values(), reverse=True)[:k]
    return gain / sum(weight / math.log2(rank + 2) for rank, weight in enumerate(best))


def reciprocal_rank(ranking: Sequence[str], relevant: Mapping[str, float]) -> float:
    """One by the place of the first relevant document; 0 when there is none."""
    return next((1 / (rank + 1) for rank, document in enumerate(ranking) if document in relevant), 0.0)


def mean(values: Sequence[float]) -> Mean:
    """Of at least one value."""
    middle = sum(values) / len(values)
    if len(values) == 1:
        return Mean(middle, 0.0)
    variance = sum((value - middle) ** 2 for value in values) / (len(values) - 1)
    return Mean(middle, Z_95 * math.sqrt(variance / len(values)))
