"""What is said twice is given once, what goes on is given as one."""

from uuid import uuid4

import pytest

from libs.contracts.values import Passage, Place
from retrieval_service.ranking import JOINED_MAX_CHARACTERS, fold_duplicates, join_neighbours
from tests.builders import a_passage

LONG = (
    "A standard transfer to an account in the United Kingdom usually arrives within ten seconds and at the latest "
    "within two hours, unless the receiving bank has announced work on its systems for the weekend in question"
)


def kept(*texts: str, same_document: bool = False) -> list[str]:
    document = uuid4()
    passages = [a_passage(text, **({"document_id": document} if same_document else {})) for text in texts]
    return [passage.text for passage in fold_duplicates(passages, top_k=9)]


def test_case_punctuation_and_white_space_are_no_difference() -> None:
    """The better one is kept."""
    assert kept("Ten seconds.", "ten  seconds!\n", "Two hours.") == ["Ten seconds.", "Two hours."]


def test_a_part_of_what_is_given_already_is_folded() -> None:
    """But a word is not found within another word, nor is a longer text a part of a shorter one."""
    assert kept("It takes ten seconds today.", "takes ten seconds") == ["It takes ten seconds today."]
    assert kept("It takes often.", "ten") == ["It takes often.", "ten"]
    assert kept("ten seconds", "It takes ten seconds.") == ["ten seconds", "It takes ten seconds."]


def test_nearly_the_same_of_two_documents_is_folded() -> None:
    """A copy with another word or two says nothing new."""
    assert kept(LONG, LONG.replace("usually", "normally")) == [LONG]


@pytest.mark.parametrize(
    ("other", "same_document"),
    [
        (LONG.replace("usually", "normally"), True),
        (LONG.replace("ten", "10"), False),
        (LONG + " and otherwise a letter is sent to everybody who asked for one before the first of May", False),
    ],
    ids=["of one document", "another number", "more is said"],
)
def test_what_may_make_a_difference_is_kept(other: str, same_document: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Who wrote both meant both; a number is the answer; so is what is added."""
    assert kept(LONG, other, same_document=same_document) == [LONG, other]


def test_no_more_than_wanted_is_given() -> None:
    """Duplicates take no place."""
    passages = [a_passage(text) for text in ("a", "A", "b", "c")]

    assert [p.text for p in fold_duplicates(passages, top_k=2)] == ["a", "b"]


DOCUMENT = "First part, on page one. Second part.\n\nThird part, later."


def cut(start: int, end: int, *, score: float = 0.5, **place: object) -> Passage:
    return a_passage(
        DOCUMENT[start:end],
        document_id=_DOCUMENT_ID,
        score=score,
        place=Place.model_validate({"start": start, "end": end, "heading": ("A",), **place}),
    )


_DOCUMENT_ID = uuid4()


def test_chunks_that_go_on_become_one_passage() -> None:
    """Text and span are the document's, wherever they stood in the ranking; the best one's place and score are kept."""
    third, other, first, second = cut(39, 57, score=0.9), a_passage("x", score=0.8), cut(0, 24), cut(25, 37)

    joined = join_neighbours([third, other, first, second])

    assert [passage.text for passage in joined] == [DOCUMENT, "x"]
    assert (joined[0].place.start, joined[0].place.end) == (0, len(DOCUMENT))
    assert (joined[0].score, joined[0].chunk_id) == (0.9, first.chunk_id)


def test_pages_and_rows_are_those_of_both() -> None:
    """The place says where each page begins, and from which row to which."""
    one = cut(0, 24, page=3, rows=(1, 4), table_header="Name, Fee")
    two = cut(25, 37, page=4, rows=(5, 8))
    three = cut(39, 57, page=5, page_starts=(50,))

    [joined] = join_neighbours([one, two, three])

    assert (joined.place.page, joined.place.page_starts, joined.place.last_page) == (3, (25, 39, 50), 6)
    assert (joined.place.rows, joined.place.table_header) == ((1, 8), "Name, Fee")


@pytest.mark.parametrize(
    "other",
    [
        cut(25, 37, heading=("B",)),
        cut(25, 37, slide=2),
        cut(25, 37).model_copy(update={"version": 2}),
        cut(25, 37).model_copy(update={"document_id": uuid4()}),
        cut(39, 57),
        cut(25, 37).model_copy(update={"place": Place(heading=("A",), start=25, end=JOINED_MAX_CHARACTERS + 1)}),
    ],
    ids=["heading", "slide", "version", "document", "gap", "length"],
)
def test_what_does_not_go_on_stays_apart(other: Passage) -> None:
    """Another heading, slide, version or document, something between, or too much of it."""
    one = cut(0, 24)

    assert join_neighbours([one, other]) == (one, other)
