"""The short form of the table of faults; `python -m tests.fault` runs all of it, at its full size."""

import asyncio
import os
import secrets
from dataclasses import replace

import pytest

from tests.fault.cluster import Cluster
from tests.fault.rows import row
from tests.fault.run import carry_out

SEED = int(os.environ.get("FAULT_SEED") or secrets.randbits(24))

pytestmark = pytest.mark.fault


@pytest.mark.parametrize(
    ("number", "chats", "settings"),
    [
        pytest.param(1, 12, {}, id="kill -9 of every kind"),
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
