"""Who is worked on together, and that nobody waits for ever to be."""

import asyncio
import math

import pytest

from libs.bus.company import Company, most_together
from libs.bus.entry import Entry

HANDS = 400
SOME_TURNS = 20
"""Of the event loop: whoever may go on has gone on by then."""


def an_entry(silences: int, *, max_attempts: int = 5) -> Entry:
    return Entry(
        key="chat.opened.v1:{p0}",
        group="retrieval",
        consumer="retrieval-0",
        entry_id="1-0",
        partition=0,
        attempts=silences,
        silences=silences,
        max_attempts=max_attempts,
        traceparent="",
        event_json=b"{}",
    )


async def turns() -> None:
    for _ in range(SOME_TURNS):
        await asyncio.sleep(0)


@pytest.mark.parametrize("hands", [1, 8, 32, 400])
@pytest.mark.parametrize("max_attempts", [1, 2, 3, 5, 12])
def test_the_last_try_is_alone_and_the_way_there_narrows(hands: int, max_attempts: int) -> None:
    """Whatever the numbers: never more than before, alone at the end, and that is never the first try."""
    most = an_entry(0, max_attempts=max_attempts).most_silences
    numbers = [most_together(an_entry(n, max_attempts=max_attempts), hands) for n in range(most)]

    assert numbers[0] == math.inf
    assert numbers[-1] == 1
    assert numbers == sorted(numbers, reverse=True)


def test_one_silence_costs_nobody_anything() -> None:
    """A killed process's work goes on at full width: what kills processes is hardly ever an entry."""
    assert most_together(an_entry(1), HANDS) == math.inf


def test_hundreds_are_told_apart_in_a_few_groups() -> None:
    """Seven or eight groups at each step: the innocent of 400 wait for about twenty tries, not for 400."""
    assert [most_together(an_entry(n), HANDS) for n in (2, 3, 4)] == [55, 8, 1]


async def test_who_must_be_alone_is() -> None:
    """It waits for all who are there, and all who come later wait for it."""
    company = Company()
    await company.join(math.inf)
    alone = asyncio.create_task(company.join(1))
    later = asyncio.create_task(company.join(math.inf))
    await turns()
    assert not alone.done()

    company.leave(math.inf)
    await turns()
    assert alone.done()
    assert not later.done()

    company.leave(1)
    await turns()
    assert later.done()


async def test_a_few_are_together_and_no_more() -> None:
    """The narrowest of those who are present holds for all, for whoever has never been silent too."""
    company = Company()
    await company.join(3)
    await company.join(math.inf)
    await company.join(3)
    fourth = asyncio.create_task(company.join(math.inf))
    await turns()
    assert not fourth.done()

    company.leave(math.inf)
    await turns()
    assert fourth.done()


async def test_who_gives_up_waiting_lets_the_next_one_in() -> None:
    """A worker that stops while it waits blocks nobody."""
    company = Company()
    await company.join(math.inf)
    gives_up = asyncio.create_task(company.join(1))
    later = asyncio.create_task(company.join(math.inf))
    await turns()

    gives_up.cancel()
    await turns()
    assert later.done()
