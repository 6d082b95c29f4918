"""What stored answers quote is shown by the rights of the moment in which it is read."""

from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from history_service.open_turn import open_turn
from history_service.outcomes import Accepted
from history_service.record_answer import record_answer
from history_service.turns import PostgresTurns
from libs.contracts.events import TurnOpened
from libs.contracts.values import Citation, own_collection
from tests.builders import a_passage, a_question, an_answer
from tests.integration.history.api_calls import ANN, BOB, an_answered, an_asked
from tests.integration.retrieval.builders import Shelf

_BLANK = {"title": "", "media_type": "", "quote": ""}


@pytest.fixture
def shelf(pool: asyncpg.Pool) -> Shelf:
    return Shelf(pool)


def a_citation(document_id: UUID, **given: Any) -> Citation:
    fields = a_passage(document_id=document_id).model_dump(exclude={"text", "score"})
    return Citation(**{"number": 1, "quote": "within ten seconds", **fields, **given})


async def an_answer_citing(turns: PostgresTurns, *documents: UUID) -> tuple[str, UUID]:
    """The path of an answer of Ann's, and its session."""
    citations = [a_citation(document_id, number=number) for number, document_id in enumerate(documents, 1)]
    asked = await an_asked(turns)
    await record_answer(an_answer("Ten seconds [1].", turn=asked.turn, citations=citations), store=turns)
    session_id = asked.turn.session_id
    return f"/v1/sessions/{session_id}/messages/{asked.turn.answer_id}", session_id


async def cited(http: httpx.AsyncClient, path: str) -> list[dict[str, Any]]:
    """The answer's citations, which its session's list shows alike."""
    one = (await http.get(path)).json()
    items = (await http.get(path.rpartition("/")[0])).json()["items"]
    assert items[-1] == one
    assert one["content"] == "Ten seconds [1]."
    return list(one["citations"])


async def test_what_may_be_read_is_shown_whole(http: httpx.AsyncClient, turns: PostgresTurns, shelf: Shelf) -> None:
    """As it was stored."""
    document = await shelf.add("within ten seconds")

    path, _ = await an_answer_citing(turns, document)

    [shown] = await cited(http, path)
    assert (shown["quote"], shown["title"], shown["availability"]) == (
        "within ten seconds",
        "Transfer times",
        "available",
    )


async def test_of_what_was_deleted_only_the_number_is_shown(
    http: httpx.AsyncClient, turns: PostgresTurns, shelf: Shelf
) -> None:
    """And of what the reader may read no more, in just the same way; what they may read stays."""
    deleted, kept = await shelf.add("within ten seconds"), await shelf.add("in ten seconds")
    foreign = await shelf.add("ten seconds", collection=own_collection(BOB.user_id))
    path, _ = await an_answer_citing(turns, deleted, kept, foreign)
    await shelf.delete(deleted)

    first, second, third = await cited(http, path)

    for hidden in (first, third):
        assert hidden["availability"] == "withheld"
        assert hidden | _BLANK == hidden
        assert not any(hidden["place"].values())
    assert (second["availability"], second["quote"]) == ("available", "within ten seconds")


async def test_a_replaced_version_says_so_and_keeps_its_quote(
    http: httpx.AsyncClient, turns: PostgresTurns, shelf: Shelf
) -> None:
    """Who may read the document can still check what the answer was made from."""
    document = await shelf.add("within ten seconds")
    path, _ = await an_answer_citing(turns, document)
    await shelf.replace(document, "within five seconds")

    [shown] = await cited(http, path)

    assert (shown["availability"], shown["quote"]) == ("replaced", "within ten seconds")


async def test_a_new_turn_does_not_carry_answers_from_what_may_not_be_read(turns: PostgresTurns, shelf: Shelf) -> None:
    """The model is not told again what was taken away; what cites nothing, or what is there, goes along."""
    document = await shelf.add("within ten seconds")
    _, session_id = await an_answer_citing(turns, document)
    await an_answered(turns, "No idea.", session_id=session_id)

    assert [past.text for past in (await following(turns, session_id)).history[1::2]] == [
        "Ten seconds [1].",
        "No idea.",
    ]
    await shelf.delete(document)

    assert "Ten seconds [1]." not in [past.text for past in (await following(turns, session_id)).history]


async def following(turns: PostgresTurns, session_id: UUID) -> TurnOpened:
    """What the next question of Ann's session takes along; its answer has ended."""
    accepted = await open_turn(a_question(principal=ANN, session_id=session_id), store=turns)
    assert isinstance(accepted, Accepted)
    assert accepted.opens is not None
    await record_answer(an_answer("Nothing.", turn=accepted.turn), store=turns)
    return accepted.opens
