"""A model in trouble, behind the whole service: the answer is whole, or it says that it is not."""

import socket
from typing import Any

import pytest
from redis.asyncio import Redis

from libs.bus.entry import dead_key
from libs.contracts.frames import Closed, Delta, Started
from tests.builders import a_context, a_passage
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.script import Script
from tests.integration.generation.service import answered, ask, logged, service
from tests.polling import eventually

TEXT = "Überweisungen dauern zehn Sekunden [1]."
HEALTHY = {"status": 0, "stall_at": -1, "cut_at": -1}
IMPATIENT: dict[str, Any] = {"first_token_timeout_seconds": 0.3, "between_tokens_timeout_seconds": 0.3}


@pytest.mark.parametrize(
    ("trouble", "requests"),
    [
        pytest.param({"status": 429, "retry_after": 0.1, "times": 2}, 3, id="over its limit"),
        pytest.param({"status": 500, "times": 2}, 3, id="an error of its server"),
        pytest.param({"stall_at": 0, "times": 1}, 2, id="silent before the first token"),
        pytest.param({"stall_at": 2, "times": 1}, 2, id="silent in mid-answer"),
        pytest.param({"cut_at": 0, "times": 1}, 2, id="cut off before the first token"),
        pytest.param({"cut_at": 2, "times": 1}, 2, id="cut off in mid-answer"),
        pytest.param({"error_at": 2, "times": 1}, 2, id="an error in mid-answer"),
        pytest.param({"invalid_at": 2, "times": 1}, 2, id="half a character and no more"),
        pytest.param({"half": True}, 1, id="characters in two halves"),
        pytest.param({"empty": True, "times": 1}, 2, id="an empty answer"),
        pytest.param({"finish": "", "times": 1}, 2, id="an end without a reason"),
        pytest.param({"finish": "", "done": False, "times": 1}, 2, id="no end at all"),
        pytest.param({"done": False}, 1, id="a reason without the last word"),
        pytest.param({"usage": False, "hang": True}, 1, id="a body that never ends"),
    ],
)
async def test_trouble_that_passes_leaves_a_whole_answer(
    redis: Redis, redis_url: str, fake: FakeOpenAI, trouble: dict[str, Any], requests: int
) -> None:
    """The text of one attempt, to the letter; earlier ones are void for every reader."""
    fake.script = Script(text=TEXT).changed(trouble)
    context = a_context(a_passage())

    async with service(redis_url, fake, model_tries=3, **IMPATIENT):
        await ask(redis, context)
        [event] = await eventually(lambda: answered(redis))

    assert (event.status, event.failure, event.text) == ("completed", None, TEXT)
    assert fake.counts["requests"] == requests
    frames = await logged(redis, context)
    last = max(n for n, frame in enumerate(frames) if isinstance(frame, Started))
    assert "".join(frame.text for frame in frames[last:] if isinstance(frame, Delta)) == TEXT
    assert await redis.xlen(dead_key(0)) == 0


@pytest.mark.parametrize(
    ("trouble", "failure", "text"),
    [
        pytest.param({"stall_at": 3}, "model_unavailable", "Überweisungen dauern zehn", id="silent"),
        pytest.param({"cut_at": 3}, "model_unavailable", "Überweisungen dauern zehn", id="cut off"),
        pytest.param({"error_at": 3}, "model_unavailable", "Überweisungen dauern zehn", id="an error"),
        pytest.param({"finish": ""}, "model_unavailable", "Überweisungen dauern zehn Sekunden", id="no reason to end"),
        pytest.param({"finish": "length"}, "length_limit", TEXT, id="too long"),
        pytest.param({"finish": "content_filter"}, "content_filter", TEXT, id="filtered"),
        pytest.param({"finish": "tool_calls"}, "unfinished", TEXT, id="something else to do"),
        pytest.param({"empty": True}, "empty_answer", "", id="nothing to say"),
        pytest.param({"status": 429, "retry_after": 3600}, "model_unavailable", "", id="come back in an hour"),
        pytest.param({"status": 400}, "model_refused", "", id="refused"),
    ],
)
async def test_an_answer_the_model_did_not_finish_is_never_completed(
    redis: Redis, redis_url: str, fake: FakeOpenAI, trouble: dict[str, Any], failure: str, text: str
) -> None:
    """It has failed with its reason; what was written is kept, and is what the readers have."""
    fake.script = Script(text=TEXT).changed(trouble)
    context = a_context(a_passage())

    async with service(redis_url, fake, **IMPATIENT):
        await ask(redis, context)
        [event] = await eventually(lambda: answered(redis))

    assert (event.status, event.failure, event.text) == ("failed", failure, text)
    frames = await logged(redis, context)
    last = max(n for n, frame in enumerate(frames) if isinstance(frame, Started))
    assert "".join(frame.text for frame in frames[last:] if isinstance(frame, Delta)) == text
    assert isinstance(frames[-1], Closed)
    assert frames[-1].status == "failed"


@pytest.mark.parametrize(
    "trouble", [{"status": 503}, {"stall_at": 0}, {"cut_at": 0}, {"status": 429, "retry_after": 20}]
)
async def test_another_model_writes_when_the_first_is_down(
    redis: Redis, redis_url: str, fake: FakeOpenAI, trouble: dict[str, Any]
) -> None:
    """Whatever way it is down, also when it asks for a long wait; the answer says who wrote."""
    fake.script = Script(text=TEXT).changed(trouble)
    second = "second?" + "&".join(f"{name}={value}" for name, value in HEALTHY.items())

    async with service(redis_url, fake, fallback_model=second, **IMPATIENT):
        await ask(redis, a_context(a_passage()))
        [event] = await eventually(lambda: answered(redis))

    assert (event.status, event.text, event.model) == ("completed", TEXT, "second")


async def test_an_endpoint_that_is_not_there_fails_the_answer(redis: Redis, redis_url: str, fake: FakeOpenAI) -> None:
    """A refused connection is trouble like any other: the client is told."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        fake.base_url = f"http://127.0.0.1:{nobody.getsockname()[1]}/v1"
        async with service(redis_url, fake, **IMPATIENT):
            await ask(redis, a_context(a_passage()))
            [event] = await eventually(lambda: answered(redis))

    assert (event.status, event.failure) == ("failed", "model_unavailable")
