"""What the terminal shows is the answer that counts."""

from deploy.local.ask import Paper, citation_lines
from deploy.local.transcript import Transcript

CITATION = {"number": 1, "title": "Fees", "page": 2, "heading": ["Cards", "Abroad"]}


def transcript_of(*chunks: dict[str, object]) -> Transcript:
    transcript = Transcript()
    for chunk in chunks:
        transcript.apply(chunk)
    return transcript


def delta(text: str) -> dict[str, object]:
    return {"type": "text-delta", "id": "t", "delta": text}


def test_deltas_add_up_to_the_answer() -> None:
    """Text, citations and sources come together, and the end is known."""
    transcript = transcript_of(
        {"type": "start", "messageId": "m"},
        {"type": "start-step"},
        {"type": "source-document", "sourceId": "s", "mediaType": "text/markdown", "title": "Fees"},
        delta("Free "),
        delta("[1]."),
        {"type": "data-citation", "data": CITATION},
        {"type": "finish"},
    )

    assert (transcript.message_id, transcript.text, transcript.finished) == ("m", "Free [1].", True)
    assert transcript.citations == {1: CITATION}
    assert [source["title"] for source in transcript.sources] == ["Fees"]


def test_a_takeover_voids_what_the_first_worker_wrote() -> None:
    """A new step after text starts the text and its citations anew; the sources stay."""
    transcript = transcript_of(
        {"type": "start", "messageId": "m"},
        {"type": "source-document", "sourceId": "s"},
        {"type": "start-step"},
        delta("Half an ans"),
        {"type": "data-citation", "data": CITATION},
        {"type": "start-step"},
        delta("A whole answer."),
    )

    assert transcript.text == "A whole answer."
    assert not transcript.citations
    assert len(transcript.sources) == 1


def test_a_replay_begins_with_nothing() -> None:
    """After a lost connection all chunks come again, and nothing counts twice."""
    chunks: tuple[dict[str, object], ...] = (
        {"type": "start", "messageId": "m"},
        {"type": "source-document", "sourceId": "s"},
        delta("Once."),
    )

    transcript = transcript_of(*chunks, *chunks)

    assert transcript.text == "Once."
    assert len(transcript.sources) == 1


def paper_of(*texts: str, live: bool = True) -> str:
    written: list[str] = []
    paper = Paper(written.append, live=live)
    for text in texts:
        paper.show(text)
    paper.show(texts[-1], finished=True)
    return "".join(written)


def test_a_growing_text_is_written_once() -> None:
    """Each character goes out one time, though every state of the text was shown."""
    assert paper_of("", "One", "One two") == "One two"


def test_a_replay_does_not_show_twice() -> None:
    """The text starts again and grows past what was there."""
    assert paper_of("One two", "", "One", "One two", "One two three") == "One two three"


def test_another_text_is_shown_as_a_new_beginning() -> None:
    """A terminal cannot take back; it says so and goes on."""
    shown = paper_of("Half an ans", "", "A whole", "A whole answer")

    assert shown.startswith("Half an ans\n")
    assert shown.endswith(")\n\nA whole answer")


def test_a_shorter_text_at_the_end_is_the_one_that_counts() -> None:
    """What had been shown beyond it was void."""
    assert paper_of("One two", "One").endswith("\n\nOne")


def test_what_is_no_terminal_gets_the_final_text_alone() -> None:
    """A pipe or a file never holds a void text."""
    assert paper_of("Half an ans", "", "A whole answer", live=False) == "A whole answer"


def test_citations_are_listed_by_number_with_their_place() -> None:
    """Page and headings where the document has them."""
    plain = {"number": 2, "title": "Contact us", "page": None, "heading": []}

    assert citation_lines([plain, CITATION]) == ["[1] Fees — page 2 / Cards > Abroad", "[2] Contact us"]


def test_citations_of_slides_sheets_and_several_pages_say_so() -> None:
    """In the words of the program that shows them."""
    pages = {"number": 1, "title": "Guide", "page": 2, "lastPage": 3, "heading": []}
    sheet = {"number": 2, "title": "Prices", "page": None, "heading": [], "sheet": "2026", "rows": [4, 9]}
    slide = {"number": 3, "title": "Show", "page": None, "heading": ["Cards"], "slide": 7}

    assert citation_lines([pages, sheet, slide]) == [
        "[1] Guide — pages 2-3",
        "[2] Prices — sheet 2026 / rows 4-9",
        "[3] Show — slide 7 / Cards",
    ]
