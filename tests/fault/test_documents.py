"""Documents under faults, in short; `python -m tests.fault.documents` breaks more of more."""

import asyncio
from uuid import uuid4

import pytest

from tests.fault.cluster import Cluster
from tests.fault.documents import carry_out
from tests.fault.documents_checker import History, Look, Sent, violations
from tests.fault.test_short import SEED

pytestmark = pytest.mark.fault


async def test_every_document_ends_whole_or_not_at_all(running: tuple[Cluster, asyncio.TaskGroup]) -> None:
    """Workers are killed, servers restarted, folder and model away: all end in time, and deletions hold."""
    found, line = await carry_out(*running, count=10, faults=3, seed=SEED)

    assert not found, f"FAULT_SEED={SEED} {line}"


@pytest.mark.parametrize(
    ("looks", "word"),
    [
        ([("embedding", ("One.",))], "in part"),
        ([("searchable", ("One.", "Two.")), ("parsing", ())], "and then was not"),
        ([("embedding", ())], "ended as embedding"),
        ([("failed", ())], "ended as failed"),
        ([], "never seen"),
    ],
)
def test_a_broken_promise_is_noticed(looks: list[tuple[str, tuple[str, ...]]], word: str) -> None:
    """Half a document, one that vanishes, one that does not end, one that fails for a fault, one that is lost."""
    id_ = uuid4()
    seen = [Look(float(at), id_, 1, status, found) for at, (status, found) in enumerate(looks)]
    history = History(sent=[Sent(1, id_, 1, "One.\n\nTwo.", is_poison=False)], looks=seen)

    [broken] = violations(history, places=4)

    assert word in broken


def test_what_a_deletion_leaves_is_noticed() -> None:
    """A look that began after the answer sees nothing of it; nor is a vector left, nor a place taken twice."""
    id_, other = uuid4(), uuid4()
    history = History(
        sent=[Sent(1, id_, 1, "One.", is_poison=False)],
        looks=[Look(1.0, id_, 1, "searchable", ("One.",)), Look(3.0, id_, 1, "searchable", ("One.",))],
        deleted={id_: 2.0},
        most_under_way=5,
        vectors={other},
    )

    broken = violations(history, places=4)

    assert [line.split(" ", 2)[2][:8] for line in broken] == ["is there", "had 5 do", "without "]
