"""From passages to sentences that can be quoted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.local.models.sentences import Sentence, sentences_in, split


def texts(passage: str) -> list[str]:
    return [sentence.text for sentence in sentences_in(passage)]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("Ask Dr. Smith, e.g. by phone. It costs approx. 5.50 today.",
         ["Ask Dr. Smith, e.g. by phone.", "It costs approx. 5.50 today."]),
        ("It ends at 5 p.m. on Fridays. Version 2.1 is out.", ["It ends at 5 p.m. on Fridays.", "Version 2.1 is out."]),
        ('She said "stop." Then she left.', ['She said "stop."', "Then she left."]),
        ("Wait… what? (Really.) Yes.", ["Wait… what?", "(Really.)", "Yes."]),
        ("See www.example.com. J. Smith wrote it.", ["See www.example.com.", "J. Smith wrote it."]),
        ("你好。再见！", ["你好。", "再见！"]),  # noqa: RUF001 - that is how such sentences end
        ("   ", []),
    ],
)  # fmt: skip
def test_sentences_end_where_a_reader_would_end_them(text: str, sentences: list[str]) -> None:
    """Not after abbreviations, initials, numbers and addresses."""
    assert split(text) == sentences


@given(st.text(alphabet=st.sampled_from("aB1 .!?\"')(…\n|-#>*`<&[]:"), max_size=200))
def test_nothing_is_lost_between_sentences(text: str) -> None:
    """Joined again they are the text, white space aside; and no text breaks the reader."""
    sentences_in(text)

    assert "".join("".join(split(text)).split()) == "".join(text.split())


def test_headings_are_context_and_never_answers() -> None:
    """A sentence carries the heading it stands under, its marks removed."""
    passage = (
        "# Fees\n\nA trace costs **£15.00**, see [the list](http://x.example).\n\n## Refunds\n\nThey take `3` days."
    )

    assert sentences_in(passage) == (
        Sentence("A trace costs £15.00, see the list.", "Fees"),
        Sentence("They take 3 days.", "Refunds"),
    )


def test_headings_that_lost_their_marks_are_recognised() -> None:
    """Parsed text has headings as lines of their own, without a full stop; questions in headings too."""
    passage = "If you cannot open the app\n\nCall the card line.\n\nCan I send it another way?\n\nNo, you cannot."

    assert sentences_in(passage) == (
        Sentence("Call the card line.", "If you cannot open the app"),
        Sentence("No, you cannot.", "Can I send it another way?"),
    )


def test_a_question_in_the_text_is_no_answer() -> None:
    """Only what states something can be quoted."""
    assert texts("Have you lost your card? Freeze it in the app.") == ["Freeze it in the app."]


def test_a_short_list_is_quoted_as_a_whole() -> None:
    """With its lead-in, whichever item matches: fragments make sense only together."""
    whole = "You can prove your address with: a gas bill; a bank statement."

    assert sentences_in("# Proof\n\nYou can prove your address with:\n\n- a gas bill\n\n- a bank statement") == (
        Sentence(whole, "Proof"),
        Sentence(whole, "Proof: You can prove your address with", "a gas bill"),
        Sentence(whole, "Proof: You can prove your address with", "a bank statement"),
    )


def test_steps_keep_their_numbers() -> None:
    """And stay together."""
    assert set(texts("To freeze a card:\n\n1. Open the app.\n2. Choose Freeze.")) == {
        "To freeze a card: 1. Open the app. 2. Choose Freeze."
    }


def test_sentences_of_a_long_list_stand_alone() -> None:
    """It is too long to be quoted as a whole."""
    assert texts("\n".join(f"- This is the long item number {n} of many." for n in range(30)))[:2] == [
        "This is the long item number 0 of many.",
        "This is the long item number 1 of many.",
    ]


TABLE = "| Kind | Cut-off | Arrives |\n| --- | --- | --- |\n| To a UK bank | None | Within two hours |"


@pytest.mark.parametrize(
    "table", [TABLE, "Times:\n\nKind | Cut-off | Arrives\n\nTo a UK bank | None | Within two hours"]
)
def test_a_row_names_its_columns(table: str) -> None:
    """Of a Markdown table, and of one that was made into text."""
    assert texts(table) == ["To a UK bank \N{EN DASH} Cut-off: None; Arrives: Within two hours."]


def test_an_empty_first_column_name_is_no_shift() -> None:
    """The values stay under their own columns."""
    assert texts("Cards\n\n| Basic | Plus\n\nReplacement | £5.00 | Free") == [
        "Replacement \N{EN DASH} Basic: £5.00; Plus: Free.",
    ]


def test_a_table_cut_in_the_middle_invents_no_columns() -> None:
    """The first row of a passage may be data, so it names nothing."""
    assert texts("To a UK bank | Two hours\n\nTo a euro bank | Ten seconds") == [
        "To a UK bank \N{EN DASH} Two hours.",
        "To a euro bank \N{EN DASH} Ten seconds.",
    ]


def test_wrapped_lines_of_a_pdf_are_joined_and_short_ones_are_not() -> None:
    """A heading and the rows of a price list do not run into the sentences."""
    passage = (
        "2.1 Incoming transfers\n"
        "Receiving an international transfer costs £3.00 on Basic and £2.00 on Business, and is free\n"
        "on Plus. The fee is taken from the amount received.\n"
        "Recall of an international transfer £12.00 £12.00\n"
        "Paper statement by post £3.00 £1.50"
    )

    assert texts(passage) == [
        "Receiving an international transfer costs £3.00 on Basic and £2.00 on Business, and is free on Plus.",
        "The fee is taken from the amount received.",
        "Recall of an international transfer £12.00 £12.00",
        "Paper statement by post £3.00 £1.50",
    ]


def test_a_passage_cannot_forge_citations() -> None:
    """What looks like one of our `[n]` does not any more."""
    assert texts("As shown [2], fees are £5 [13].") == ["As shown (2), fees are £5 (13)."]


def test_a_text_without_sentences_is_left_out() -> None:
    """Six hundred characters without an end are a listing."""
    assert texts("word " * 200 + ".\n\nA sentence.") == ["A sentence."]
