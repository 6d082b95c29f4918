"""What a chat does in all processes is one trace, also when a process dies in its middle."""

import asyncio
import json
from dataclasses import dataclass
from uuid import uuid4

import httpx
import pytest

from tests.e2e.model import Model, name_of, new_question
from tests.e2e.people import Person, guest_of
from tests.e2e.stack import Stack
from tests.polling import eventually
from tests.traces.chats import trace_of
from tests.traces.collector import Collector, Trace

CHATS = 10


@dataclass(frozen=True)
class Chats:
    """So many at once, with nothing to disturb them."""

    questions: list[str]
    traces: list[Trace]
    log: str


@pytest.fixture(scope="module")
async def chats(session_stack: Stack, http: httpx.AsyncClient, collector: Collector) -> Chats:
    """Their traces are whole: one root, every process, each span below another."""
    await session_stack.ready()
    guest = await guest_of(session_stack, http)
    questions = [new_question() for _ in range(CHATS)]
    transcripts = await asyncio.gather(*(guest.ask(uuid4().hex, question) for question in questions))
    traces = [await trace_of(collector, str(transcript.message_id)) for transcript in transcripts]
    return Chats(questions, traces, session_stack.log_tail())


def test_a_chat_is_one_trace(chats: Chats) -> None:
    """Its own; the model's call and the statements are described in the conventions' words."""
    assert len({trace.spans[0].trace_id for trace in chats.traces}) == CHATS
    for trace in chats.traces:
        [call] = trace.named("chat fake")
        assert call.kind == "client"
        assert call.attributes["gen_ai.operation.name"] == "chat"
        assert call.attributes["gen_ai.request.model"] == "fake"
        assert call.attributes["gen_ai.response.finish_reasons"] == ["stop"]
        assert call.attributes["gen_ai.usage.output_tokens"] > 0
        assert {span.attributes["eloquent.attempt"] for span in trace.spans if span.kind == "consumer"} == {1}
        assert any(span.attributes.get("db.system.name") == "postgresql" for span in trace.spans)
        assert not [span for span in trace.spans if span.is_failure]
        assert {span.attributes["eloquent.reply"] for span in trace.named("settle chat.answered.v1")} == {"ok"}


def test_no_word_of_a_user_is_in_a_span(chats: Chats, collector: Collector) -> None:
    """Neither of the question nor of its answer, which repeats it."""
    sent = b"".join(collector.bodies)

    assert chats.traces[0].spans[0].trace_id in collector.traces()
    assert not [question for question in chats.questions if name_of(question).encode() in sent]


def test_lines_of_the_log_say_their_trace(chats: Chats) -> None:
    """Whoever reads that an answer was written finds what led to it."""
    lines = [json.loads(line) for line in chats.log.splitlines() if line.startswith("{")]

    written = {line["trace_id"] for line in lines if line["message"] == "answer written"}
    assert {trace.spans[0].trace_id for trace in chats.traces} <= written


async def test_a_document_is_one_trace(session_stack: Stack, collector: Collector) -> None:
    """From the upload through the door to the index; the one that the run began with."""

    async def is_there() -> bool:
        return any(
            trace.services == {"gateway", "ingest-api", "ingest-worker"} and len(trace.roots) == 1 and not trace.orphans
            for trace in collector.traces().values()
        )

    await eventually(is_there, within_seconds=10)


async def test_a_takeover_stays_in_the_trace(guest: Person, stack: Stack, model: Model, collector: Collector) -> None:
    """The second try is below the same span as the first one, whose process was killed with what it had not sent."""
    question, session = new_question(), uuid4().hex
    pause = model.pause(question, 3)
    async with asyncio.TaskGroup() as tasks:
        asked = tasks.create_task(guest.ask(session, question))

        async def is_written() -> bool:
            return pause.is_reached

        await eventually(is_written, within_seconds=20)
        await stack.kill_service("generation")
    trace = await trace_of(collector, str(asked.result().message_id))

    [sent] = trace.named("send chat.retrieved.v1")
    [second] = trace.named("process chat.retrieved.v1")
    assert second.parent_id == sent.span_id
    assert second.attributes["eloquent.attempt"] == 2
