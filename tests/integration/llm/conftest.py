"""The real SDK against a fake endpoint on the loopback."""

from collections.abc import AsyncIterator, Callable

import pytest

from libs.llm.chat import ChatTimeouts, OpenAIChat
from libs.llm.endpoint import Endpoint
from libs.llm.retries import RetryPolicy
from tests.fakes.openai_server import FakeOpenAI, running
from tests.fakes.script import Script

MakeChat = Callable[..., OpenAIChat]
QUICK = RetryPolicy(tries=3, base_seconds=0.01, retry_after_max_seconds=1.0)


@pytest.fixture
async def fake() -> AsyncIterator[FakeOpenAI]:
    async with running(Script(text="Größe ändern kostet nichts [1].")) as server:
        yield server


@pytest.fixture
async def endpoint(fake: FakeOpenAI) -> AsyncIterator[Endpoint]:
    async with Endpoint(api_key="key", base_url=fake.base_url) as opened:
        yield opened


@pytest.fixture
def chat(endpoint: Endpoint) -> MakeChat:
    """A chat model whose name carries the trouble it makes; impatient when asked to be."""

    def make(trouble: str = "", *, first_token: float = 10.0, between_tokens: float = 10.0) -> OpenAIChat:
        timeouts = ChatTimeouts(first_token, between_tokens)
        return OpenAIChat(endpoint, model=f"fake?{trouble}", timeouts=timeouts, retries=QUICK)

    return make
