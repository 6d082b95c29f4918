"""The measuring of finding: what is read, and how it is counted."""

import math
from pathlib import Path

import pytest

from tests.eval.data import Document, Question, read_set, spread
from tests.eval.metrics import mean, ndcg, recall, reciprocal_rank
from tests.eval.report import MOST, fitting_score
from tests.eval.systems import Bm25

DOCS = '{"id": "a", "title": "Fees", "text": "The fee is five."}\n{"id": "b", "text": "Ten seconds."}\n'
QUERIES = """
{"qid": "1", "text": " What is the fee? "}
{"qid": "2", "lastturn": "And the red one?", "questions": "What is blue?\\nWhy?\\nAnd the red one?", "rewrite": "Red?"}
{"qid": "3", "text": "Who was it?", "impossible": true, "answers": []}
{"qid": "4", "text": "Not judged"}
"""
QRELS = '{"qid": "1", "doc": "a", "rel": 1}\n{"qid": "2", "doc": "b", "rel": 2}\n{"qid": "4", "doc": "a", "rel": 0}\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in (("docs", DOCS), ("queries", QUERIES), ("qrels", QRELS)):
        (tmp_path / f"{name}.jsonl").write_text(text, encoding="utf-8")
    return tmp_path


def test_a_set_is_read_as_it_is_written(folder: Path) -> None:
    """Single questions and conversations, judged and impossible ones; what is judged worthless answers nothing."""
    read = read_set(folder)

    assert read.documents == [Document("a", "The fee is five.", "Fees"), Document("b", "Ten seconds.")]
    assert [question.asked for question in read.answerable] == ["What is the fee?", "And the red one?"]
    assert read.answerable[1].earlier == ("What is blue?", "Why?")
    assert [question.qid for question in read.unanswerable] == ["3"]
    assert read.relevant == {"1": {"a": 1.0}, "2": {"b": 2.0}}


def test_a_limit_takes_questions_from_everywhere(folder: Path) -> None:
    """So many of each kind, at equal distances."""
    assert [question.qid for question in read_set(folder, limit=1).questions] == ["1", "3"]
    assert spread(list(range(10)), 3) == [0, 3, 6]
    assert spread([1, 2], 3) == [1, 2]


def test_a_bad_line_is_named(folder: Path) -> None:
    """File, line and reason, instead of half a set; so is a file that is not there."""
    (folder / "qrels.jsonl").write_text('{"qid": "1", "doc": "a", "rel": 1}\n\n{"qid": "1"}\n', encoding="utf-8")
    with pytest.raises(SystemExit, match=r"qrels\.jsonl, line 3: .*doc"):
        read_set(folder)

    (folder / "docs.jsonl").unlink()
    with pytest.raises(SystemExit, match=r"docs\.jsonl: No such file"):
        read_set(folder)


def test_rankings_are_counted_by_the_book() -> None:
    """Recall, nDCG with graded judgements, and the reciprocal rank, worked out by hand."""
    relevant = {"a": 2.0, "b": 1.0}

    assert recall(["x", "a", "b"], relevant, 2) == 0.5
    assert reciprocal_rank(["x", "a", "b"], relevant) == 0.5
    assert reciprocal_rank([], relevant) == 0.0
    gained = 2 / math.log2(3) + 1 / math.log2(4)
    assert ndcg(["x", "a", "b"], relevant, 10) == pytest.approx(gained / (2 + 1 / math.log2(3)))
    assert ndcg(["a", "b"], relevant, 10) == 1.0
    assert ndcg(["a", "b"], relevant, 1) == 1.0
    assert ndcg(["x"], relevant, 10) == 0.0


def test_a_mean_says_how_sure_it_is() -> None:
    """Half of the 95 % interval by the standard error; nothing can be said of one value."""
    assert mean([0.0, 1.0, 0.0, 1.0]).value == 0.5
    assert mean([0.0, 1.0, 0.0, 1.0]).within == pytest.approx(1.96 * math.sqrt(1 / 3 / 4))
    assert str(mean([0.25])) == "0.250 ±0.000"


async def test_bm25_is_there_to_be_compared_with() -> None:
    """Titles count, words are stemmed, and what shares no word is not in the ranking."""
    bm25 = Bm25([Document("a", "five pounds", "Fees"), Document("b", "ten seconds"), Document("c", "a fee, a fee")])

    assert set(await bm25.rank(Question("1", "What fee?"))) == {"a", "c"}
    assert await bm25.rank(Question("2", "the of")) == ()


def test_a_threshold_that_fits_refuses_one_in_twenty() -> None:
    """Of all that were asked, also of those that are answered by their words whatever the threshold."""
    scores = [number / 100 for number in range(30)]

    fitting = fitting_score(scores, asked=40)

    assert sum(score < fitting for score in scores) == 2
    assert fitting_score([0.1], asked=40) == MOST
