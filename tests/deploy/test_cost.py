"""The calculator adds up, and its levers work."""

from dataclasses import replace

import pytest

from deploy.cdk.config import STAGES
from deploy.cdk.processes import SERVICES
from deploy.cost.bill import HOURS, Buying, Size, bill, models
from deploy.cost.capacity import chats_a_second, limits, tasks
from deploy.cost.document import DECLARED, SIZES, WAYS
from deploy.cost.measured import CPU_MS_A_CHAT
from deploy.cost.prices import of


@pytest.mark.parametrize("size", SIZES, ids=lambda size: size.name)
def test_a_cheaper_way_is_cheaper(size: Size) -> None:
    """Spot, and what is bought for a year; every part costs something."""
    spot, committed = WAYS[1], WAYS[2]

    assert all(dollars > 0 for dollars in bill(size, spot).values())
    assert sum(bill(size, committed).values()) < sum(bill(size, spot).values())
    assert sum(bill(size, spot).values()) <= sum(bill(size, WAYS[0]).values())


def test_a_month_has_its_hours_and_chats() -> None:
    """Busy and quiet hours are all hours, and their chats all chats."""
    for size in SIZES:
        assert sum(hours for hours, _ in size.rates) == HOURS
        assert sum(hours * rate * 3600 for hours, rate in size.rates) == pytest.approx(size.chats)


def test_twice_the_chats_cost_more_but_not_twice() -> None:
    """What is always there is shared; the model is paid for each chat."""
    [_, medium, _] = SIZES
    double = replace(medium, chats=medium.chats * 2)

    once, twice = (sum(bill(size, DECLARED).values()) for size in (medium, double))

    assert once < twice < 2 * once
    assert models(double) == pytest.approx(2 * models(medium))


def test_reserved_nodes_of_the_database_have_a_price_of_their_own() -> None:
    """Whatever its load is."""
    [_, medium, _] = SIZES
    fixed = Buying("fixed", provisioned=True)

    more = bill(replace(medium, chats=medium.chats * 2), fixed)["database"] - bill(medium, fixed)["database"]

    assert bill(medium, fixed)["database"] > 2 * HOURS * of("aurora node db.r7g.large")
    assert 0 < more < 50


def test_tasks_follow_the_load() -> None:
    """Never fewer than configured; as many as their processors need."""
    [generation] = [one for one in SERVICES if one.name == "generation"]
    for stage in STAGES:
        assert tasks(generation, stage, 0) == stage.smallest
        assert tasks(generation, stage, 50 * chats_a_second(generation)) == 50
        assert set(limits(stage)) == set(CPU_MS_A_CHAT)
