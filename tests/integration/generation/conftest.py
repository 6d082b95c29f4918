"""The fake model that every test of the service speaks to."""

from collections.abc import AsyncIterator

import pytest

from tests.fakes.openai_server import FakeOpenAI, running
from tests.fakes.script import Script


@pytest.fixture
async def fake() -> AsyncIterator[FakeOpenAI]:
    async with running(Script(text="Ten seconds [1], says nobody [7].")) as server:
        yield server
