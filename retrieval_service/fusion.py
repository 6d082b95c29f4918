"""One ranking out of two: what is near in meaning, and what has the same words (ADR 0026)."""

import math
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from retrieval_service.ports import Match, Ranking, Relevance

MEANING = 0.8
"""The share of meaning in a score, the rest is the words': alpha of Bruch, Gai and Ingber (ACM TOIS 42(1), 2023)."""

SAID = 0.3
"""How much of cosine the coverage of all of the query's words is worth (ADR 0011)."""

FAR = 0.5
"""The share of the least score that makes a passage worth giving beside a relevant one."""

CALIBRATED_CHUNKS = 250
"""What `min_score` was calibrated among (ADR 0011)."""

MEASURED_CHUNKS = 2_000
"""How a foreign question's nearest passage comes nearer was seen up to here: beyond, the score grows no further."""

_LEAST_COSINE = -1.0


class Candidate(NamedTuple):
    """A chunk and what speaks for it.

    Attributes:
        score: of the joined ranking, 0 to 1; says nothing across queries.
        cosine: similarity to the query; if the vector search did not give it, at most this.
        coverage: as `Match` has it; 0 for what the search for words did not give.
    """

    chunk_id: UUID
    score: float
    cosine: float
    coverage: float


def fuse(nearest: Ranking, matches: Sequence[Match], *, all_matches: bool) -> list[Candidate]:
    """The convex combination of both scores, best first.

    Each is brought to 0 to 1 by its theoretical least value, -1 of a cosine and 0 of BM25, and the greatest one seen
    (TM2C2 of the paper). What only one search found is as good in the other as the last it did give, which is the most
    it can be.

    Args:
        nearest: by cosine, best first.
        matches: by words, best first.
        all_matches: whether there are no others, so that what is missing has no word of the query.
    """
    cosines = dict(nearest)
    words = {match.chunk_id: match for match in matches}
    farthest = nearest[-1][1] if nearest else _LEAST_COSINE
    weakest = 0.0 if all_matches or not matches else matches[-1].score
    greatest_cosine = (nearest[0][1] if nearest else _LEAST_COSINE) - _LEAST_COSINE
    greatest_match = matches[0].score if matches else 0.0
    candidates = []
    for chunk_id in cosines | words:
        cosine = cosines.get(chunk_id, farthest)
        match = words.get(chunk_id)
        near = (cosine - _LEAST_COSINE) / greatest_cosine if greatest_cosine > 0 else 0.0
        said = (weakest if match is None else match.score) / greatest_match if greatest_match > 0 else 0.0
        score = MEANING * near + (1 - MEANING) * said
        candidates.append(Candidate(chunk_id, score, cosine, 0.0 if match is None else match.coverage))
    return sorted(candidates, key=lambda candidate: (-candidate.score, candidate.chunk_id))


def relevant(candidates: Sequence[Candidate], relevance: Relevance) -> Sequence[Candidate]:
    """Those for which anything speaks, at all near or with a word of the query; none unless one is relevant."""
    if not any(is_relevant(candidate, relevance) for candidate in candidates):
        return ()
    least = least_cosine(relevance)
    return [candidate for candidate in candidates if candidate.cosine >= least or candidate.coverage > 0]


def least_cosine(relevance: Relevance) -> float:
    """Below it a passage without any word of the query is not given beside others."""
    return min(FAR * relevance.min_score, relevance.min_score)


def is_relevant(candidate: Candidate, relevance: Relevance) -> bool:
    """Whether this one alone is reason enough to answer."""
    return evidence(candidate) >= least_evidence(relevance) or candidate.coverage >= relevance.min_coverage


def least_evidence(relevance: Relevance) -> float:
    """`min_score` among so many: the more passages there are, the nearer is the nearest to whatever is asked."""
    chunks = min(max(relevance.chunks, CALIBRATED_CHUNKS), MEASURED_CHUNKS)
    return relevance.min_score + relevance.growth * math.log2(chunks / CALIBRATED_CHUNKS)


def evidence(candidate: Candidate) -> float:
    """How much speaks for an answer in this passage; comparable across queries, as the ranking's score is not."""
    return candidate.cosine + SAID * candidate.coverage
