"""The short form of the table of faults; `python -m tests.fault` runs all of it, at its full size."""

import asyncio
import os
import secrets
from dataclasses import replace

import pytest

from tests.fault.cluster import Cluster
from tests.fault.rows import mutant, row
from tests.fault.run import carry_out

SEED = int(os.environ.get("FAULT_SEED") or secrets.randbits(24))

pytestmark = pytest.mark.fault


@pytest.mark.parametrize(
    ("number", "chats", "settings"),
    [
        pytest.param(1, 12, {}, id="kill -9 of every kind"),
        pytest.param(4, 8, {}, id="redis killed"),
        pytest.param(8, 10, {}, id="pub/sub connections killed"),
        pytest.param(13, 4, {}, id="resumes at every few chunks"),
        pytest.param(14, 4, {"BUS_PARTITIONS": "4"}, id="cancels in every phase, four partitions"),
        pytest.param(15, 12, {"BUS_PARTITIONS": "4"}, id="two quick messages in each session, four partitions"),
        pytest.param(10, 6, {}, id="poison"),
    ],
)
async def test_what_is_promised_holds(
    running: tuple[Cluster, asyncio.TaskGroup], number: int, chats: int, settings: dict[str, str]
) -> None:
    """One stored answer per accepted question, seen by its clients as stored, in order, and nothing left over."""
    plan = row(number, chats)
    report = await carry_out(replace(plan, settings={**plan.settings, **settings}), SEED, *running)

    assert not report.violations, report.text()


async def test_a_broken_promise_is_noticed(running: tuple[Cluster, asyncio.TaskGroup]) -> None:
    """A gateway that shows what comes and never asks what is missing does not get past the checker."""
    report = await carry_out(replace(mutant("no_gap_fill"), chats=10), SEED, *running)

    assert any("showed what no attempt said" in violation for violation in report.violations), report.line()
