"""One ranking out of two."""

from uuid import UUID

import pytest

from retrieval_service.fusion import MEANING, Candidate, fuse, least_evidence, relevant
from retrieval_service.ports import Match, Relevance
from retrieval_service.search import blend

A, B, C, D = (UUID(int=n) for n in range(1, 5))


def order(nearest: list[tuple[UUID, float]], matches: list[Match], *, all_matches: bool = True) -> list[UUID]:
    return [candidate.chunk_id for candidate in fuse(nearest, matches, all_matches=all_matches)]


def test_scores_are_the_published_combination() -> None:
    """0.8 of (cosine + 1) by the greatest, 0.2 of BM25 by the greatest."""
    scores = {c.chunk_id: c.score for c in fuse([(A, 0.6), (B, 0.2)], [Match(B, 8.0, 0.5)], all_matches=True)}

    assert scores[A] == pytest.approx(MEANING * 1.0)
    assert scores[B] == pytest.approx(MEANING * 1.2 / 1.6 + (1 - MEANING) * 1.0)


def test_what_both_find_is_before_what_one_finds() -> None:
    """Of two that are about as near, the one with the words is better."""
    assert order([(A, 0.50), (B, 0.49)], [Match(B, 8.0, 0.5)]) == [B, A]


def test_what_one_search_did_not_reach_is_as_good_as_its_last() -> None:
    """Being beyond a list's end says no more than that; where the list held everything, there was nothing."""
    nearest, matches = [(A, 0.9), (B, 0.8)], [Match(C, 9.0, 0.9), Match(B, 3.0, 0.3)]

    cut = {c.chunk_id: c for c in fuse(nearest, matches, all_matches=False)}
    whole = {c.chunk_id: c for c in fuse(nearest, matches, all_matches=True)}

    assert cut[C].cosine == whole[C].cosine == 0.8
    assert cut[A].score == pytest.approx(MEANING + (1 - MEANING) * 3.0 / 9.0)
    assert whole[A].score == pytest.approx(MEANING)
    assert cut[A].coverage == whole[A].coverage == 0.0


def test_either_search_may_find_nothing() -> None:
    """The other's order is the order then."""
    assert order([(A, 0.9), (B, -0.5)], []) == [A, B]
    assert order([], [Match(B, 2.0, 0.5), Match(A, 1.0, 0.5)]) == [B, A]
    assert order([], []) == []
    assert order([(A, -1.0)], []) == [A]


def test_equal_scores_have_one_order() -> None:
    """Whatever order the stores gave."""
    assert order([(B, 0.5), (A, 0.5)], []) == order([(A, 0.5), (B, 0.5)], []) == [A, B]


def test_one_relevant_passage_lets_others_in_that_anything_speaks_for() -> None:
    """Near enough or covering enough is a reason to answer; then a word of the query is a reason to be given."""
    matches = [Match(B, 9.0, 0.6), Match(C, 1.0, 0.1)]
    candidates = fuse([(A, 0.14), (D, 0.05)], matches, all_matches=True)

    assert [c.chunk_id for c in relevant(candidates, Relevance(0.3, 0.6))] == [B, C]
    assert relevant(candidates, Relevance(0.3, 0.7)) == ()
    assert {c.chunk_id for c in relevant(candidates, Relevance(0.2, 0.7))} == {A, B, C}


def test_nearness_and_words_are_reasons_together() -> None:
    """What is rather near and says some of the words is relevant; each of the two alone would not be enough."""
    least = Relevance(min_score=0.5, min_coverage=0.9)

    def is_reason(cosine: float, coverage: float) -> bool:
        return bool(relevant([Candidate(A, 1.0, cosine, coverage)], least))

    assert is_reason(0.4, 0.34)
    assert not is_reason(0.4, 0.32)
    assert not is_reason(0.4, 0.0)
    assert not is_reason(0.1, 0.34)
    assert is_reason(0.1, 0.9)


def test_vectors_are_blended_by_share() -> None:
    """One stays as it is."""
    assert blend([(1.0, 0.0)], [1.0]) == (1.0, 0.0)
    assert blend([(1.0, 0.0), (0.0, 1.0)], [1.0, 0.5]) == [1.0, 0.5]


@pytest.mark.parametrize(("chunks", "least"), [(0, 0.4), (250, 0.4), (500, 0.43), (1000, 0.46), (2000, 0.49)])
def test_more_is_asked_of_a_passage_among_more(chunks: int, least: float) -> None:
    """With each doubling from 250 chunks on."""
    relevance = Relevance(min_score=0.4, min_coverage=2.0, growth=0.03, chunks=chunks)

    assert relevant([Candidate(A, 1.0, least + 0.001, 0.0)], relevance)
    assert not relevant([Candidate(A, 1.0, least - 0.001, 0.0)], relevance)


def test_no_more_is_asked_than_was_measured() -> None:
    """Beyond 2,000 chunks the score stays."""
    assert least_evidence(Relevance(0.4, 1.0, 0.03, 2_000)) == least_evidence(Relevance(0.4, 1.0, 0.03, 1_000_000))
