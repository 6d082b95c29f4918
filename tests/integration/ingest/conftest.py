"""Ingest over a real PostgreSQL and a real folder; the model is a fake."""

from pathlib import Path

import asyncpg
import pytest

from libs.contracts.values import Principal
from tests.builders import a_principal
from tests.integration.ingest.builders import HashedWords, Library


@pytest.fixture
def embedder() -> HashedWords:
    return HashedWords()


@pytest.fixture
def library(pool: asyncpg.Pool, tmp_path: Path, embedder: HashedWords) -> Library:
    return Library(pool, tmp_path, embedder=embedder)


@pytest.fixture
def owner() -> Principal:
    return a_principal()
