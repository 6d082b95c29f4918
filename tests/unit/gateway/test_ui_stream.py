"""Frames become chunks that the AI SDK's client takes, and shows as they are meant."""

from uuid import uuid4

import pytest

from gateway.ui_stream import EMPTY_DIGEST, PIECE_CHARACTERS, Chunk, UiStream
from libs.contracts.frames import Cited, Closed, Delta, Frame, Started
from libs.contracts.values import Place, Timings, Usage
from tests.unit.gateway.builders import (
    ANSWER_ID,
    Frames,
    a_citation,
    a_source,
    a_stored_answer,
    chunks_of,
    cited,
    digest_of,
    ended,
    kinds_of,
    opened,
    passages,
)
from tests.unit.gateway.chunk_rules import assert_valid, parts_of, text_of

TEXT = "Cards are free [1]."
USAGE = Usage(input_tokens=12, output_tokens=5)
WHOLE: Frames = [
    (1, opened(queued=True)),
    (2, opened()),
    (3, passages()),
    (4, Started(model="m")),
    (4, Delta(text="Cards are ")),
    (4, Delta(text="free [1].")),
    (4, cited()),
    (4, Closed(status="completed", frames=4)),
    (4, ended(TEXT, model="m", usage=USAGE, timings=Timings(generation_seconds=1.5))),
]


def test_an_answer_from_its_question_to_its_end() -> None:
    """Every kind of frame, in the order in which an answer has them."""
    chunks = chunks_of(WHOLE)

    assert kinds_of(chunks) == [
        *("start", "data-status", "data-status", "source-document", "data-status", "start-step", "data-status"),
        *("text-start", "text-delta", "text-delta", "data-citation", "text-end", "finish"),
    ]
    assert chunks[0] == {"type": "start", "messageId": str(ANSWER_ID)}
    assert [chunk["data"]["stage"] for chunk in chunks if chunk["type"] == "data-status"] == [
        *("queued", "searching", "reading", "writing"),
    ]
    assert text_of(chunks) == TEXT


def test_every_chunk_keeps_the_rules_of_its_client() -> None:
    """The client closes the connection over a chunk that does not."""
    endings = [
        [(4, ended("", status="cancelled"))],
        [(4, ended("", status="failed", failure="model_refused"))],
    ]
    for frames in [WHOLE, *endings]:
        for chunk in chunks_of(frames):
            assert_valid(chunk)


def test_the_same_frames_give_the_same_chunks() -> None:
    """So a sequence number means the same chunk to every gateway."""
    assert chunks_of(WHOLE) == chunks_of(WHOLE)


def test_a_source_says_where_it_stands() -> None:
    """Title and type for everybody, the place for those who know us."""
    chunk = next(chunk for chunk in chunks_of(WHOLE) if chunk["type"] == "source-document")

    assert chunk["title"] == "Fees"
    assert chunk["mediaType"] == "text/markdown"
    details = chunk["providerMetadata"]["eloquent"]
    assert (details["page"], details["heading"], details["score"]) == (3, ["Cards"], 0.7123)


def test_a_citation_says_what_it_quotes() -> None:
    """Number, document, place and quote."""
    data = next(chunk for chunk in chunks_of(WHOLE) if chunk["type"] == "data-citation")["data"]

    assert (data["number"], data["title"], data["quote"]) == (1, "Fees", "No fee.")
    assert (data["page"], data["heading"], data["start"], data["end"]) == (3, ["Cards"], 10, 17)


def test_a_takeover_takes_text_and_citations_back() -> None:
    """The second attempt begins a new step; nothing of the first is shown."""
    chunks = chunks_of(
        [
            (1, passages()),
            (2, Started(model="m")),
            (2, Delta(text="Lost words [1]")),
            (2, cited()),
            (3, Started(model="m")),
            (3, Delta(text="Kept words [2]")),
            (3, cited(2)),
            (3, ended("Kept words [2]")),
        ]
    )

    assert kinds_of(chunks)[5:13] == [
        *("text-start", "text-delta", "data-citation", "text-end", "reset-step", "start-step"),
        *("data-status", "text-start"),
    ]
    assert text_of(chunks) == "Kept words [2]"
    shown = [part["data"]["number"] for part in parts_of(chunks) if part["type"] == "data-citation"]
    assert shown == [2]


def test_sources_are_sent_once() -> None:
    """Retrieval may run twice; what it finds again is known already."""
    other = a_source("Limits", chunk_id=uuid4())
    chunks = chunks_of([(1, passages()), (2, passages(a_source(), other)), (3, Started(model="m"))])

    assert [chunk["title"] for chunk in chunks if chunk["type"] == "source-document"] == ["Fees", "Limits"]
    assert kinds_of(chunks).index("start-step") > kinds_of(chunks).index("source-document")


@pytest.mark.parametrize("announcement", [opened(), passages()])
def test_sources_of_a_turn_that_was_opened_again_outlive_its_first_attempt(announcement: Frame) -> None:
    """What comes within a step would be taken back with it; the void text goes at the first sign."""
    other = a_source("Limits", chunk_id=uuid4())
    chunks = chunks_of(
        [
            (1, passages()),
            (2, Started(model="m")),
            (2, Delta(text="Lost")),
            (3, announcement),
            (4, passages(other)),
            (5, Started(model="m")),
            (5, Delta(text="Kept")),
            (6, Started(model="m")),
            (6, Delta(text="Kept at last")),
        ]
    )

    titles = [part["title"] for part in parts_of(chunks) if part["type"] == "source-document"]
    assert titles == ["Fees", "Limits"]
    assert text_of(chunks) == "Kept at last"
    assert kinds_of(chunks)[kinds_of(chunks).index("text-end") + 1] == "reset-step"


def test_a_completed_answer_finishes_with_what_it_cost() -> None:
    """Model, tokens and times are the message's metadata."""
    finish = chunks_of(WHOLE)[-1]

    assert finish["type"] == "finish"
    assert finish["messageMetadata"]["model"] == "m"
    assert finish["messageMetadata"]["usage"] == {"input_tokens": 12, "output_tokens": 5}
    assert finish["messageMetadata"]["timings"]["generation_seconds"] == 1.5


def test_a_cancelled_answer_is_aborted_behind_its_text() -> None:
    """The text stays; no part is left open."""
    end = ended("Half", status="cancelled")
    chunks = chunks_of([(1, Started(model="m")), (1, Delta(text="Half")), (1, Closed(status="cancelled")), (1, end)])

    assert kinds_of(chunks)[-2:] == ["text-end", "abort"]
    assert text_of(chunks) == "Half"


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        ("model_unavailable", "does not answer"),
        ("session_not_found", "no such session"),
        ("length_limit", "longer than allowed"),
        ("a_reason_of_tomorrow", "Please ask again"),
        (None, "Please ask again"),
    ],
)
def test_a_failed_answer_says_so_in_words(failure: str | None, words: str) -> None:
    """A sentence for people, also for a reason this version does not know."""
    [_, error] = chunks_of([(1, ended("", status="failed", failure=failure))])

    assert error["type"] == "error"
    assert words in error["errorText"]


def test_text_that_was_sent_is_held_against_what_is_stored() -> None:
    """Only the last attempt's text counts."""
    stream = UiStream(str(ANSWER_ID))
    assert stream.is_complete(ended(""))

    chunks_of(
        [(1, Started(model="m")), (1, Delta(text="a")), (2, Started(model="m")), (2, Delta(text="ü"))], stream=stream
    )

    assert stream.is_complete(ended("ü"))
    assert not stream.is_complete(ended("aü"))


def availability_of(chunks: list[Chunk]) -> list[str]:
    return [part["data"]["availability"] for part in parts_of(chunks) if part["type"] == "data-citation"]


def test_a_stored_answer_takes_the_place_of_what_was_sent() -> None:
    """Text and citations are the stored ones, as they may be seen now; then the answer ends as it is stored."""
    stream = UiStream(str(ANSWER_ID))
    sent = chunks_of([(1, Started(model="m")), (1, Delta(text="Something else")), (1, cited(7))], stream=stream)
    withheld = a_citation().model_copy(update={"availability": "withheld"})
    replaced = list(stream.stored(a_stored_answer("As stored [1].", citations=(withheld,), model="m")))

    assert text_of([*sent, *replaced]) == "As stored [1]."
    numbers = [part["data"]["number"] for part in parts_of([*sent, *replaced]) if part["type"] == "data-citation"]
    assert numbers == [1]
    assert availability_of([*sent, *replaced]) == ["withheld"]
    assert replaced[-1]["type"] == "finish"
    assert replaced[-1]["messageMetadata"]["model"] == "m"


def test_a_stored_answer_that_was_sent_already_only_ends() -> None:
    """Nobody needs to see the same text again."""
    stream = UiStream(str(ANSWER_ID))
    chunks_of([(1, Started(model="m")), (1, Delta(text="Same"))], stream=stream)

    assert kinds_of(stream.stored(a_stored_answer("Same"))) == ["text-end", "finish"]


def test_a_stored_answer_alone_is_a_whole_message() -> None:
    """Its log may be gone."""
    chunks = list(UiStream(str(ANSWER_ID)).stored(a_stored_answer("Stored")))

    assert kinds_of(chunks) == ["start", "start-step", "text-start", "text-delta", "text-end", "finish"]


@pytest.mark.parametrize("letter", ["a", "\x01", "é", "語", "😀", '"'])
def test_long_texts_come_in_pieces(letter: str) -> None:
    """However its JSON is escaped, no frame is larger than what Amazon API Gateway lets through."""
    text = letter * (PIECE_CHARACTERS * 2 + 1)
    live = chunks_of([(1, Started(model="m")), (1, Delta(text=text))])
    stored = list(UiStream(str(ANSWER_ID)).stored(a_stored_answer(text)))

    for chunks in (live, stored):
        assert kinds_of(chunks).count("text-delta") == 3
        assert text_of(chunks) == text
        for chunk in chunks:
            assert_valid(chunk)


def test_the_longest_citation_and_source_fit_into_a_frame() -> None:
    """Quotes, titles and headings are bounded where they are made; these are the bounds."""
    place = Place(page=9_999, heading=("\x01" * 200,) * 4, sheet="\x01" * 31, table_header="\x01" * 500)
    for chunk in chunks_of([(1, passages(a_source("\x01" * 300, place=place))), (1, cited(1, "\x01" * 4_000))]):
        assert_valid(chunk)


def test_a_place_says_what_its_format_has() -> None:
    """Pages it goes over, slide, sheet and rows, the table's header; of what there is not, nothing."""
    more = Place(page=3, end=9, page_starts=(4, 7), slide=2, sheet="2026", rows=(12, 14), table_header="Plan | Price")

    [source, plain] = [
        next(chunk for chunk in chunks_of([(1, passages(given))]) if "sourceId" in chunk)["providerMetadata"][
            "eloquent"
        ]
        for given in (a_source(place=more), a_source())
    ]

    assert (source["page"], source["lastPage"], source["slide"], source["sheet"]) == (3, 5, 2, "2026")
    assert (source["rows"], source["tableHeader"]) == ([12, 14], "Plan | Price")
    assert set(plain) == {"documentId", "page", "heading", "score"}


def test_a_citation_says_where_its_pages_begin() -> None:
    """So that a reader is led to the page of a word; thousands of empty pages between two words say nothing."""
    for starts, said in (((4, 7), [4, 7]), ((), None), ((4,) * 5_000, None)):
        citation = a_citation(1, "word").model_copy(update={"place": Place(page=3, end=9, page_starts=starts)})
        chunk = chunks_of([(1, Cited(citation=citation))])[-1]
        assert chunk["data"].get("pageStarts") == said


def test_the_digest_of_nothing_is_that_of_the_empty_text() -> None:
    """Failed answers have it."""
    assert digest_of("") == EMPTY_DIGEST
