"""Turns on a real Postgres."""

import asyncpg
import pytest

from history_service.past import PastLimits
from history_service.turns import PostgresTurns


@pytest.fixture
def turns(pool: asyncpg.Pool) -> PostgresTurns:
    return PostgresTurns(pool, past=PastLimits(turns=10, characters=12_000))
