"""Databases of their own for tests that change schemas."""

from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest
from yarl import URL


@pytest.fixture
async def empty_database_url(database_url: str) -> AsyncIterator[str]:
    """A new database without a table, gone after the test."""
    name = f"test_{uuid4().hex}"
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(f"CREATE DATABASE {name}")
        yield str(URL(database_url).with_path(f"/{name}"))
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await connection.close()
