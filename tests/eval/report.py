"""What is printed."""

import math
from collections.abc import Mapping, Sequence

from prometheus_client import REGISTRY

from retrieval_service.fusion import least_evidence
from retrieval_service.ports import Relevance
from tests.eval.citing import Cited
from tests.eval.data import Question
from tests.eval.metrics import mean, ndcg, recall, reciprocal_rank
from tests.eval.systems import Evidence

STAGES = ("condense", "embed", "vectors", "words", "rerank", "whole")
HUNDREDTHS = range(20, 66, 4)
WRONGLY = 0.05
MOST = 1.3
"""A cosine of one and all of the words."""


def quality(
    title: str,
    questions: Sequence[Question],
    rankings: Mapping[str, Sequence[Sequence[str]]],
    relevant: Mapping[str, Mapping[str, float]],
) -> None:
    """A line a system, each mean with its 95 % confidence interval."""
    print(f"\n{title:30}  {'recall@5':12}  {'recall@10':12}  {'nDCG@10':12}  MRR")
    judged = [relevant[question.qid] for question in questions]
    for name, ranked in rankings.items():
        pairs = list(zip(ranked, judged, strict=True))
        figures = (
            mean([recall(ranking, of, 5) for ranking, of in pairs]),
            mean([recall(ranking, of, 10) for ranking, of in pairs]),
            mean([ndcg(ranking, of, 10) for ranking, of in pairs]),
            mean([reciprocal_rank(ranking, of) for ranking, of in pairs]),
        )
        print(f"{name:30}  {'  '.join(map(str, figures))}")


def refusals(evidence: Mapping[str, Sequence[Evidence]], relevance: Relevance) -> None:
    """For each threshold the share of each kind of question that gets no passage."""
    grown = least_evidence(relevance) - relevance.min_score
    print(f"\nrefused, with min_coverage {relevance.min_coverage} and min_score as in the line; * is what is set")
    print(f"min_score has grown by {grown:.3f} for {relevance.chunks} chunks")
    print("   min_score  " + "  ".join(f"{name} ({len(of)})".rjust(20) for name, of in evidence.items()))
    for least in sorted({relevance.min_score, *(hundredths / 100 for hundredths in HUNDREDTHS)}):
        shares = [
            sum(e.score < least + grown and e.coverage < relevance.min_coverage for e in of) / len(of)
            for of in evidence.values()
        ]
        mark = "*" if least == relevance.min_score else " "
        print(f" {mark} {least:9.2f}  " + "  ".join(f"{share:20.1%}" for share in shares))
    asked = evidence.get("answerable", ())
    fitting = fitting_score([e.score for e in asked if e.coverage < relevance.min_coverage], len(asked)) - grown
    print(
        f"RETRIEVAL_MIN_SCORE={math.floor(100 * fitting) / 100:.2f} is the most that refuses one in twenty wrongly here"
    )


def fitting_score(scores: Sequence[float], asked: int) -> float:
    """The greatest threshold below which at most `WRONGLY` of so many questions are.

    Args:
        scores: of those that a threshold can refuse.
        asked: the others, too.
    """
    may_be_refused = math.floor(WRONGLY * asked)
    return sorted(scores)[may_be_refused] if may_be_refused < len(scores) else MOST


def citing(name: str, answers: Sequence[Cited], *, judged: bool) -> None:
    """How many answers cite, how many say that there is nothing to, and how true that is."""
    cites = [cited for cited in answers if cited.right]
    right = [sum(cited.right) / len(cited.right) for cited in cites]
    literal = [word for cited in cites for word in cited.literal]
    refused = sum(cited.refused for cited in answers)
    print(f"\n{name}: {len(cites)} of {len(answers)} answers cite something; {refused} cite nothing and say so")
    if cites and judged:
        print(f"cited documents that answer the question, of an answer: {mean(right)}")
        print(f"answers with a document that does: {mean([float(any(cited.right)) for cited in cites])}")
    if cites:
        print(f"citations whose words are in the document: {sum(literal)} of {len(literal)}")


def stages() -> None:
    """The mean time of each stage of a retrieval so far."""
    print("\nstage       mean")
    for stage in STAGES:
        labels = {"stage": stage}
        count = REGISTRY.get_sample_value("retrieval_stage_duration_seconds_count", labels)
        total = REGISTRY.get_sample_value("retrieval_stage_duration_seconds_sum", labels)
        if count and total is not None:
            print(f"{stage:10}  {1000 * total / count:.1f} ms")
