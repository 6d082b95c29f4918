"""A turn that waits keeps the trace of its question; one suite for the twin and for Postgres."""

from uuid import uuid4

import asyncpg
import pytest

from history_service.memory import MemoryTurns
from history_service.past import PastLimits
from history_service.ports import OpenedTurn, TurnStore
from history_service.text import digest_of
from history_service.turns import PostgresTurns
from libs.bus.spans import sending
from libs.telemetry.spans import arrival
from libs.telemetry.tracing import Place, current_traceparent, here
from tests.builders import a_turn, an_answer

PAST = PastLimits(turns=2, characters=200)
FIRST, SECOND = (Place(digit * 32, digit * 16, is_sampled=False) for digit in "ab")


@pytest.fixture(params=["memory", "postgres"])
def store(request: pytest.FixtureRequest, pool: asyncpg.Pool) -> TurnStore:
    return PostgresTurns(pool, past=PAST) if request.param == "postgres" else MemoryTurns(past=PAST)


async def test_a_turn_that_waited_goes_on_in_its_own_trace(store: TurnStore) -> None:
    """And not in that of the answer before it, whose end opens it."""
    first = a_turn()
    second = a_turn(session_id=first.session_id, principal=first.principal)
    for place, turn in ((FIRST, first), (SECOND, second)):
        with arrival("question", "consumer", place):
            await store.open(turn, event_id=uuid4(), title="A title")

    with arrival("answer", "consumer", FIRST):
        recorded = await store.record(an_answer("Ten seconds.", turn=first), digest=digest_of("Ten seconds."))
        assert recorded is not None
        assert isinstance(recorded.opens, OpenedTurn)
        with sending(recorded.opens.event(), "chat.answered.v1"):
            sent = current_traceparent()
        after = here()

    assert recorded.opens.traceparent == sent == SECOND.traceparent
    assert after == FIRST
