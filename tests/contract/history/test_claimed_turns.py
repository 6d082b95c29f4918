"""One suite for the twin and for Postgres: what becomes of a guest's turns when an account claims them."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID, uuid4

import asyncpg
import pytest

from history_service.claims import PostgresClaims
from history_service.memory import MemoryTurns
from history_service.past import PastLimits
from history_service.ports import AskedBefore, StoredTurn, TooManySiblings, TurnStore
from history_service.text import digest_of
from history_service.turns import PostgresTurns
from libs.clock import utc_now
from libs.contracts.values import Principal, Turn
from tests.builders import a_principal, a_turn, an_answer

PAST = PastLimits(turns=2, characters=200)


class Stored(NamedTuple):
    """A store, and how an account claims a guest's sessions."""

    turns: TurnStore
    claim: Callable[[Principal, Principal], Awaitable[object]]


@pytest.fixture(params=["memory", "postgres"])
async def stored(request: pytest.FixtureRequest, pool: asyncpg.Pool) -> Stored:
    if request.param == "postgres":
        claims = PostgresClaims(pool)
        return Stored(PostgresTurns(pool, past=PAST), lambda guest, user: claims.claim(guest.user_id, user.user_id))
    memory = MemoryTurns(past=PAST)

    async def claim(guest: Principal, user: Principal) -> None:
        memory.claim(guest.user_id, user.user_id)

    return Stored(memory, claim)


@pytest.fixture
def guest() -> Principal:
    return a_principal(is_guest=True)


@pytest.fixture
def user() -> Principal:
    return a_principal()


async def opened(
    store: TurnStore, turn: Turn, event_id: UUID | None = None
) -> StoredTurn | AskedBefore | TooManySiblings | None:
    return await store.open(turn, event_id=event_id or uuid4(), title="A title")


def asked_by(principal: Principal, turn: Turn | None = None, **given: object) -> Turn:
    same = {} if turn is None else {"session_id": turn.session_id, "client_message_id": turn.client_message_id}
    return a_turn(principal=principal, **{**same, **given})


async def test_an_answer_under_way_is_stored_after_the_claim(stored: Stored, guest: Principal, user: Principal) -> None:
    """With the id it began with; the account's next question remembers it."""
    turn = asked_by(guest, question="How long?")
    await opened(stored.turns, turn)

    await stored.claim(guest, user)

    recorded = await stored.turns.record(an_answer("Ten seconds.", turn=turn), digest=digest_of("Ten seconds."))
    assert recorded is not None
    assert recorded.is_first
    following = await opened(stored.turns, asked_by(user, session_id=turn.session_id))
    assert isinstance(following, StoredTurn)
    assert [message.text for message in following.history] == ["How long?", "Ten seconds."]


@pytest.mark.parametrize("earlier_turns", [0, 1])
async def test_what_was_asked_before_the_claim_and_stored_after_it_is_the_accounts(
    stored: Stored, guest: Principal, user: Principal, earlier_turns: int
) -> None:
    """It lay on its stream meanwhile; nothing of it is lost, and the account goes on in its session."""
    turn = asked_by(guest)
    for _ in range(earlier_turns):
        await opened(stored.turns, asked_by(guest, session_id=turn.session_id))
    await stored.claim(guest, user)

    result = await opened(stored.turns, turn)

    assert isinstance(result, StoredTurn)
    assert isinstance(await opened(stored.turns, asked_by(user, session_id=turn.session_id)), StoredTurn)


async def test_the_account_sends_a_guests_question_again(stored: Stored, guest: Principal, user: Principal) -> None:
    """It is led to the answer there is: there is no second one, before its end and after it."""
    turn = asked_by(guest, client_message_id="m-1")
    await opened(stored.turns, turn)
    await stored.claim(guest, user)

    under_way = await opened(stored.turns, asked_by(user, turn))
    await stored.turns.record(an_answer(turn=turn), digest=digest_of(""))

    assert under_way == AskedBefore(turn.answer_id)
    assert await opened(stored.turns, asked_by(user, turn)) == AskedBefore(turn.answer_id)
    assert isinstance(await opened(stored.turns, asked_by(user, turn, client_message_id="m-2")), StoredTurn)


async def test_nobody_is_led_to_an_answer_with_another_s_rights(
    stored: Stored, guest: Principal, user: Principal
) -> None:
    """The account's came first: the guest's, late on its way, is answered by nothing and begins nothing."""
    turn = asked_by(guest, client_message_id="m-1")
    await opened(stored.turns, asked_by(guest, session_id=turn.session_id))
    await stored.claim(guest, user)
    await opened(stored.turns, asked_by(user, turn))

    assert await opened(stored.turns, turn) == AskedBefore(None)


async def test_the_guest_sends_its_question_again_after_the_claim(
    stored: Stored, guest: Principal, user: Principal
) -> None:
    """A refusal would end the answer that is under way: it is told how that stands."""
    turn, event_id = asked_by(guest), uuid4()
    await opened(stored.turns, turn, event_id)
    await stored.claim(guest, user)

    later = turn.model_copy(update={"asked_at": utc_now() + timedelta(minutes=1)})

    assert await opened(stored.turns, later) == StoredTurn("opened", event_id, event_id)


async def test_a_guest_asks_nothing_more_in_what_was_claimed(stored: Stored, guest: Principal, user: Principal) -> None:
    """Its new sessions are its own, until they are claimed too."""
    turn = asked_by(guest)
    await opened(stored.turns, turn)
    await stored.claim(guest, user)
    later = utc_now() + timedelta(minutes=1)
    new = asked_by(guest, asked_at=later)

    assert await opened(stored.turns, asked_by(guest, turn, asked_at=later)) is None
    assert isinstance(await opened(stored.turns, new), StoredTurn)
    assert await opened(stored.turns, asked_by(user, new)) is None
    await stored.claim(guest, user)
    assert isinstance(await opened(stored.turns, asked_by(user, new)), StoredTurn)
