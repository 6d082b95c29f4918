"""An answer is what was streamed, and ends as it truly ended."""

from datetime import timedelta
from itertools import count

import pytest

from generation_service.answer import answer
from generation_service.draft import cancelled
from generation_service.prompt import UNKNOWN, Budget, build_prompt
from generation_service.spending import Meter
from libs.bus.tries import LONGEST_PAUSE_SECONDS
from libs.contracts.events import AnswerWritten, ContextRetrieved
from libs.contracts.frames import Cited, Delta
from libs.contracts.values import Timings, Usage
from libs.errors import PermanentError, TransientError
from libs.llm.chunks import Finished, InterruptedAnswerError
from tests.builders import a_context, a_passage
from tests.unit.generation.twins import STOP, ScriptedModel, WordTokenizer, a_meter

ANSWER_TOKENS = 1024
PATIENCE_SECONDS = 60.0


class Log:
    """What an attempt was told to write."""

    def __init__(self) -> None:
        self.frames: list[Delta | Cited] = []

    def write(self, frame: Delta | Cited) -> None:
        self.frames.append(frame)

    @property
    def text(self) -> str:
        return "".join(frame.text for frame in self.frames if isinstance(frame, Delta))


@pytest.fixture
def log() -> Log:
    return Log()


async def answered(
    model: ScriptedModel,
    log: Log,
    *,
    context: ContextRetrieved | None = None,
    meter: Meter | None = None,
    last_try: bool = False,
    age_seconds: float = 0.0,
) -> AnswerWritten:
    context = context or a_context(a_passage(), a_passage())
    return await answer(
        context,
        build_prompt(context, tokenizer=WordTokenizer(), budget=Budget()),
        model=model,
        answer_tokens=ANSWER_TOKENS,
        write=log.write,
        meter=meter or a_meter(),
        last_try=last_try,
        patience_seconds=PATIENCE_SECONDS,
        clock=lambda: context.occurred_at + timedelta(seconds=age_seconds),
        monotonic=map(float, count()).__next__,
    )


async def test_an_answer_is_its_deltas(log: Log) -> None:
    """Text, citations, model and usage of the event are those of the stream."""
    context = a_context(a_passage("One."), a_passage("Two."))

    written = await answered(ScriptedModel("Ten ", "seconds [", "2", "] [7].", STOP), log, context=context)

    assert (written.status, written.failure) == ("completed", None)
    assert written.text == log.text == "Ten seconds [2]."
    assert [citation.number for citation in written.citations] == [2]
    assert written.citations[0].quote == "Two."
    assert [frame.citation for frame in log.frames if isinstance(frame, Cited)] == list(written.citations)
    assert (written.model, written.usage) == ("twin-2026", STOP.usage)
    assert written.turn == context.turn


async def test_times_are_kept_and_added(log: Log) -> None:
    """What retrieval took stays; the first token and the whole are measured."""
    context = a_context(a_passage()).model_copy(update={"timings": Timings(retrieval_seconds=0.25)})

    written = await answered(ScriptedModel("Ten", " seconds.", STOP), log, context=context)

    assert written.timings == Timings(retrieval_seconds=0.25, first_token_seconds=1.0, generation_seconds=2.0)


async def test_without_passages_no_model_is_asked(log: Log) -> None:
    """The client still sees an answer: that nothing is known."""
    model = ScriptedModel(AssertionError("asked"))

    written = await answered(model, log, context=a_context())

    assert (written.status, written.text, written.citations, written.model) == ("completed", UNKNOWN, (), None)
    assert log.text == UNKNOWN
    assert model.asked == []


@pytest.mark.parametrize(
    ("reason", "failure"),
    [("length", "length_limit"), ("content_filter", "content_filter"), ("abort", "unfinished"), ("", "unfinished")],
)
async def test_an_answer_the_model_did_not_finish_is_not_completed(log: Log, reason: str, failure: str) -> None:
    """It is failed with its reason; text and usage are kept."""
    written = await answered(ScriptedModel("Half an", Finished(reason, "m", Usage(output_tokens=2))), log)

    assert (written.status, written.failure, written.text) == ("failed", failure, "Half an")
    assert written.usage == Usage(output_tokens=2)


@pytest.mark.parametrize(
    "script",
    [
        (TransientError("away"),),
        ("Ten ", InterruptedAnswerError("cut")),
        (Finished("stop", "m", Usage()),),
        (" \n", Finished("stop", "m", Usage())),
        ("Ten",),
    ],
)
async def test_trouble_that_may_pass_calls_for_another_attempt(
    log: Log, script: tuple[str | Finished | Exception, ...]
) -> None:
    """A model that is away, breaks off, says nothing or never ends is asked anew by the next attempt."""
    with pytest.raises(TransientError):
        await answered(ScriptedModel(*script), log)


@pytest.mark.parametrize(
    ("script", "failure", "text"),
    [
        ((TransientError("away"),), "model_unavailable", ""),
        (("Ten seconds [1", InterruptedAnswerError("cut")), "model_unavailable", "Ten seconds [1"),
        ((Finished("stop", "m", Usage()),), "empty_answer", ""),
    ],
)
async def test_on_the_last_try_trouble_is_the_end(
    log: Log, script: tuple[str | Finished | Exception, ...], failure: str, text: str
) -> None:
    """The answer ends as failed, with what was written."""
    written = await answered(ScriptedModel(*script), log, last_try=True)

    assert (written.status, written.failure) == ("failed", failure)
    assert written.text == log.text == text


@pytest.mark.parametrize(
    ("script", "failure"),
    [((TransientError("away"),), "model_unavailable"), ((Finished("stop", "m", Usage()),), "empty_answer")],
)
async def test_after_its_patience_trouble_is_the_end(
    log: Log, script: tuple[Finished | Exception, ...], failure: str
) -> None:
    """Nobody waits for ever, however many tries are left."""
    soon = await answered(ScriptedModel(*script), log, age_seconds=PATIENCE_SECONDS + 1)

    assert (soon.status, soon.failure) == ("failed", failure)


async def test_a_wait_that_is_too_long_ends_the_answer(log: Log) -> None:
    """Who is told to come back late does not come early: its client is told at once."""
    late = TransientError("limit", retry_after_seconds=LONGEST_PAUSE_SECONDS + 1)
    early = TransientError("limit", retry_after_seconds=LONGEST_PAUSE_SECONDS - 1)

    assert (await answered(ScriptedModel(late), log)).failure == "model_unavailable"
    with pytest.raises(TransientError):
        await answered(ScriptedModel(early), log)


async def test_a_refusal_is_the_end_at_once(log: Log) -> None:
    """What the endpoint refuses it will refuse again."""
    written = await answered(ScriptedModel(PermanentError("no such model")), log)

    assert (written.status, written.failure, written.model) == ("failed", "model_refused", "twin")


async def test_the_models_stream_is_closed(log: Log) -> None:
    """However the answer ends, nothing goes on streaming."""
    finishing, failing = ScriptedModel("Yes.", STOP), ScriptedModel("Yes", TransientError("cut"))

    await answered(finishing, log)
    with pytest.raises(TransientError):
        await answered(failing, log)

    assert (finishing.closed, failing.closed) == (1, 1)


def test_a_cancelled_answer_keeps_what_was_written() -> None:
    """It is neither completed nor failed."""
    context = a_context(a_passage())

    written = cancelled(context, model="twin", text="Ten sec", citations=())

    assert (written.status, written.text, written.failure) == ("cancelled", "Ten sec", None)
    assert written.turn == context.turn
