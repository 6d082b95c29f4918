"""The short form of the table of faults; `python -m tests.fault` runs all of it, at its full size."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator

import pytest

from tests.fault.cluster import Cluster, running_cluster
from tests.fault.rows import row
from tests.fault.run import carry_out

SEED = int(os.environ.get("FAULT_SEED") or secrets.randbits(24))

pytestmark = pytest.mark.fault


@pytest.fixture(scope="module")
async def running() -> AsyncIterator[tuple[Cluster, asyncio.TaskGroup]]:
    """Servers for all rows; every row starts the services it wants."""
    async with running_cluster() as cluster:
        yield cluster


@pytest.mark.parametrize(
    ("number", "chats"),
    [
        pytest.param(1, 12, id="kill -9 of every kind"),
        pytest.param(8, 10, id="pub/sub connections killed"),
        pytest.param(13, 4, id="resumes at every few chunks"),
        pytest.param(14, 4, id="cancels in every phase"),
        pytest.param(15, 12, id="two quick messages in each session"),
        pytest.param(10, 6, id="poison"),
    ],
)
async def test_what_is_promised_holds(running: tuple[Cluster, asyncio.TaskGroup], number: int, chats: int) -> None:
    """One stored answer per accepted question, seen by its clients as stored, in order, and nothing left over."""
    report = await carry_out(row(number, chats), SEED, *running)

    assert not report.violations, report.text()
