"""Servers for all of the short form; every row starts the services it wants."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.fault.cluster import Cluster, running_cluster


@pytest.fixture(scope="session")
async def running() -> AsyncIterator[tuple[Cluster, asyncio.TaskGroup]]:
    """A cluster whose services are not started yet."""
    async with running_cluster() as cluster:
        yield cluster
