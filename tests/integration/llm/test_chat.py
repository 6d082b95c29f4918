"""A model's answer arrives whole, or its trouble is called by its name."""

import asyncio
from contextlib import aclosing

import pytest

from libs.contracts.values import Usage
from libs.errors import PermanentError, TransientError
from libs.llm.chat import Message, OpenAIChat
from libs.llm.chunks import Finished, InterruptedAnswerError
from libs.llm.endpoint import Endpoint
from libs.llm.fallback import AVOID_SECONDS, FallbackChat
from tests.fakes.openai_server import BAD_KEY, FakeOpenAI
from tests.fakes.script import Script
from tests.integration.llm.conftest import QUICK, MakeChat
from tests.polling import eventually

ASKED: list[Message] = [{"role": "user", "content": "What does it cost?"}]
SAID = "Größe ändern kostet nichts [1]."


async def heard(model: OpenAIChat | FallbackChat) -> tuple[str, Finished | None, Exception | None]:
    """Text, end and trouble of one answer."""
    text, finished = "", None
    try:
        async with aclosing(model.stream(ASKED, max_output_tokens=50)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Finished):
                    finished = piece
                else:
                    text += piece
    except (TransientError, PermanentError) as error:
        return text, finished, error
    return text, finished, None


async def test_an_answer_is_streamed(chat: MakeChat, fake: FakeOpenAI) -> None:
    """Text, then how it ended and what it cost; the request is what a local server understands."""
    assert await heard(chat()) == (SAID, Finished("stop", "fake", Usage(input_tokens=7, output_tokens=5)), None)

    [body] = fake.bodies
    assert body["messages"] == ASKED
    assert (body["stream"], body["max_tokens"]) == (True, 50)
    assert body["stream_options"] == {"include_usage": True}
    assert "max_completion_tokens" not in body


async def test_the_limit_goes_by_the_name_that_is_set(endpoint: Endpoint, fake: FakeOpenAI) -> None:
    """For a proxy in front of OpenAI."""
    await heard(OpenAIChat(endpoint, model="fake", output_limit_parameter="max_completion_tokens"))

    assert fake.bodies[0]["max_completion_tokens"] == 50


async def test_pieces_arrive_as_they_are_written(chat: MakeChat) -> None:
    """The first text is there while the model is silent again."""
    async with aclosing(chat("stall_at=1").stream(ASKED, max_output_tokens=50)) as pieces:
        assert await anext(pieces) == "Größe"


@pytest.mark.parametrize(
    ("trouble", "finished"),
    [
        ("half=1", Finished("stop", "fake", Usage(input_tokens=7, output_tokens=5))),
        ("usage=0", Finished("stop", "fake", Usage())),
        ("done=0", Finished("stop", "fake", Usage(input_tokens=7, output_tokens=5))),
        ("finish=length", Finished("length", "fake", Usage(input_tokens=7, output_tokens=5))),
        ("finish=content_filter", Finished("content_filter", "fake", Usage(input_tokens=7, output_tokens=5))),
    ],
)
async def test_odd_streams_are_understood(chat: MakeChat, trouble: str, finished: Finished) -> None:
    """Half characters, no usage, no last word, a limit: the text is whole and the end is told."""
    assert await heard(chat(trouble)) == (SAID, finished, None)


@pytest.mark.parametrize("trouble", ["hang=1&usage=0&done=0", "hang=1"])
async def test_a_finished_answer_is_not_lost_to_its_end(chat: MakeChat, trouble: str) -> None:
    """Once the model has said why it stopped, silence costs the usage at most."""
    text, finished, error = await heard(chat(trouble, between_tokens=0.1))

    assert (text, error) == (SAID, None)
    assert finished is not None
    assert finished.reason == "stop"


async def test_an_empty_answer_is_told(chat: MakeChat) -> None:
    """There is an end and no text; what that means is the caller's to say."""
    text, finished, error = await heard(chat("empty=1"))

    assert (text, error) == ("", None)
    assert finished is not None
    assert finished.reason == "stop"


@pytest.mark.parametrize("trouble", ["cut_at=2", "error_at=2", "stall_at=2", "invalid_at=2", "finish="])
async def test_an_answer_that_breaks_off_does_not_look_finished(chat: MakeChat, fake: FakeOpenAI, trouble: str) -> None:
    """A cut line, an error, silence, broken bytes, an end without a reason: said as such, never tried again here."""
    text, finished, error = await heard(chat(trouble, between_tokens=0.2))

    assert SAID.startswith(text)
    assert text
    assert finished is None
    assert isinstance(error, InterruptedAnswerError)
    assert fake.counts["requests"] == 1


@pytest.mark.parametrize(
    "trouble", ["status=429&retry_after=0.05", "status=500", "status=503", "cut_at=0", "error_at=0", "stall_at=0"]
)
async def test_trouble_before_the_first_text_is_tried_again(chat: MakeChat, fake: FakeOpenAI, trouble: str) -> None:
    """Twice it fails, the third time it answers, and nobody sees a difference."""
    text, finished, error = await heard(chat(f"{trouble}&times=2", first_token=0.3))

    assert (text, error) == (SAID, None)
    assert finished is not None
    assert fake.counts["requests"] == 3


@pytest.mark.parametrize("trouble", ["status=429", "status=503", "cut_at=0", "stall_at=0"])
async def test_tries_are_bounded(chat: MakeChat, fake: FakeOpenAI, trouble: str) -> None:
    """Then the bus must wait, not the worker's hand."""
    text, finished, error = await heard(chat(trouble, first_token=0.2))

    assert (text, finished) == ("", None)
    assert isinstance(error, TransientError)
    assert not isinstance(error, InterruptedAnswerError)
    assert fake.counts["requests"] == 3


async def test_a_long_wait_is_passed_on(chat: MakeChat, fake: FakeOpenAI) -> None:
    """Longer than a worker waits: it fails at once and says how long."""
    _, _, error = await heard(chat("status=429&retry_after=30"))

    assert isinstance(error, TransientError)
    assert error.retry_after_seconds == 30.0
    assert fake.counts["requests"] == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
async def test_a_refusal_is_not_tried_again(chat: MakeChat, fake: FakeOpenAI, status: int) -> None:
    """The same request would be refused again."""
    _, _, error = await heard(chat(f"status={status}"))

    assert isinstance(error, PermanentError)
    assert fake.counts["requests"] == 1


async def test_an_endpoint_that_is_not_there_is_trouble_that_may_pass() -> None:
    """A refused connection is tried again, and then said."""
    async with Endpoint(api_key="key", base_url="http://127.0.0.1:9/v1") as endpoint:
        _, _, error = await heard(OpenAIChat(endpoint, model="fake", retries=QUICK))
        with pytest.raises(TransientError):
            await endpoint.check()

    assert isinstance(error, TransientError)


async def test_closing_the_stream_closes_the_connection(chat: MakeChat, fake: FakeOpenAI) -> None:
    """The model stops writing for nobody."""
    async with aclosing(chat("stall_at=1").stream(ASKED, max_output_tokens=50)) as pieces:
        await anext(pieces)

    await eventually(lambda: asyncio.sleep(0, fake.counts["dropped"] == 1))


async def test_cancelling_the_reader_closes_the_connection(chat: MakeChat, fake: FakeOpenAI) -> None:
    """Also while it waits for the next token, or for the first."""
    for trouble in ("stall_at=1", "stall_at=0"):
        reader = asyncio.create_task(heard(chat(trouble)))
        await eventually(lambda: asyncio.sleep(0, fake.open == 1))
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        await eventually(lambda: asyncio.sleep(0, fake.open == 0))

    assert fake.counts["dropped"] == 2


async def test_connections_are_used_again(chat: MakeChat, fake: FakeOpenAI) -> None:
    """A whole answer leaves its connection to the next one."""
    for _ in range(3):
        await heard(chat())

    assert fake.connections == 1


async def test_another_model_writes_when_the_first_is_away(chat: MakeChat, fake: FakeOpenAI) -> None:
    """And the end says who wrote."""
    model = FallbackChat(chat("status=503"), chat("text=I%20can"))

    text, finished, error = await heard(model)

    assert (text, error) == ("I can", None)
    assert finished is not None
    assert fake.counts["refused"] == 3


async def test_a_model_that_was_away_is_asked_last_for_a_while(chat: MakeChat, fake: FakeOpenAI) -> None:
    """Not every question waits for it in vain; then it has its chance, and it is asked when the other one fails."""
    now = 0.0
    first, second = chat("status=503&times=4&text=first"), chat("text=second")
    model = FallbackChat(first, second, monotonic=lambda: now)

    said = [(await heard(model))[0] for _ in range(2)]
    now += AVOID_SECONDS + 1
    said += [(await heard(model))[0]]

    assert said == ["second", "second", "first"]
    assert fake.counts["refused"] == 4
    other_fails = FallbackChat(chat("status=500&times=3&text=back"), chat("status=502&times=3"))
    assert (await heard(other_fails))[0] == ""
    assert (await heard(other_fails))[0] != ""


async def test_another_model_does_not_end_what_the_first_began(chat: MakeChat) -> None:
    """Two halves of two answers are none."""
    text, _, error = await heard(FallbackChat(chat("cut_at=2"), chat()))

    assert text == "Größe ändern"
    assert isinstance(error, InterruptedAnswerError)


async def test_an_endpoint_says_whether_it_takes_our_key(fake: FakeOpenAI, endpoint: Endpoint) -> None:
    """Ready with a good key, refused with a bad one."""
    await endpoint.check()

    async with Endpoint(api_key=BAD_KEY, base_url=fake.base_url) as refused:
        with pytest.raises(PermanentError):
            await refused.check()


async def test_three_hundred_streams_at_once(chat: MakeChat, fake: FakeOpenAI) -> None:
    """Each gets its own text, whole."""
    fake.script = Script(tokens=30, between=0.005)

    results = await asyncio.gather(*(heard(chat()) for _ in range(300)))

    assert {text for text, _, _ in results} == {"".join(Script(tokens=30).words())}
    assert all(finished and error is None for _, finished, error in results)
