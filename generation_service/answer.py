"""Writes an answer: from a question with its passages to a text with citations, frame by frame."""

import time
from collections.abc import Callable
from contextlib import aclosing

import structlog

from generation_service.citations import CitationParser
from generation_service.draft import Draft
from generation_service.links import LinkFilter
from generation_service.ports import ChatModel, Metering, Write
from generation_service.prompt import UNKNOWN, Prompt
from generation_service.spending import BudgetSpentError
from libs.bus.patience import RedisAwayError
from libs.bus.tries import LONGEST_PAUSE_SECONDS
from libs.clock import Clock, utc_now
from libs.contracts.events import AnswerWritten, ContextRetrieved
from libs.errors import EloquentError, PermanentError, TransientError
from libs.llm.chunks import Finished

log = structlog.get_logger()

_FAILURES = {"length": "length_limit", "content_filter": "content_filter"}


async def answer(
    context: ContextRetrieved,
    prompt: Prompt,
    *,
    model: ChatModel,
    answer_tokens: int,
    write: Write,
    meter: Metering,
    last_try: bool,
    patience_seconds: float = 90.0,
    monotonic: Callable[[], float] = time.monotonic,
    clock: Clock = utc_now,
) -> AnswerWritten:
    """Write the answer's frames as they come, and say how it ended.

    The text is to the letter what the deltas say. It is `completed` only when the model itself ended it; when it was
    cut it is `failed`, with what was written. Without passages the answer is that nothing is known, and no model is
    asked. Trouble that calls for another attempt is how the answer ends when there will be none: on the last try, after
    `patience_seconds` from the retrieval on, or if the model's endpoint asks for a wait that would not be kept.

    Raises:
        TransientError: the model is away, fell silent or said nothing; another attempt begins the text anew.
    """
    draft = Draft(context, write, monotonic)
    if not context.passages:
        draft.say(UNKNOWN)
        return draft.ended("completed")

    def another_may_follow() -> bool:
        return not last_try and (clock() - context.occurred_at).total_seconds() < patience_seconds

    try:
        finished = await _stream(prompt, draft, model, answer_tokens, meter)
    except BudgetSpentError:
        return draft.ended("failed", failure="budget_exceeded")
    except RedisAwayError:
        # No trouble with the model: the budget could not be looked at.
        raise
    except TransientError as error:
        if another_may_follow() and (error.retry_after_seconds or 0.0) <= LONGEST_PAUSE_SECONDS:
            raise
        log.warning("the model failed the last try", reason=str(error))
        return draft.ended("failed", model=model.model, failure="model_unavailable")
    except PermanentError as error:
        log.warning("the model refused", reason=str(error))
        return draft.ended("failed", model=model.model, failure="model_refused")
    failure = _shortfall(finished, draft.text)
    if failure == "empty_answer" and another_may_follow():
        raise TransientError("the model said nothing")
    return draft.ended(
        "failed" if failure else "completed", model=finished.model, usage=finished.usage, failure=failure
    )


async def _stream(prompt: Prompt, draft: Draft, model: ChatModel, answer_tokens: int, meter: Metering) -> Finished:
    # Outside of all that may fail: however the call ends, what it cost is known.
    async with meter.call(prompt.messages, answer_tokens=answer_tokens, said=lambda: draft.text) as call:
        call.finished = await _stream_of(prompt, draft, model, answer_tokens)
        return call.finished


async def _stream_of(prompt: Prompt, draft: Draft, model: ChatModel, answer_tokens: int) -> Finished:
    parser = CitationParser(prompt.passages)
    # Last, so that nothing the parser leaves out can join two halves of a link.
    links = LinkFilter(prompt.passages)
    finished: Finished | None = None
    try:
        async with aclosing(model.stream(prompt.messages, max_output_tokens=answer_tokens)) as pieces:
            async for piece in pieces:
                if isinstance(piece, str):
                    parsed = parser.feed(piece)
                    draft.say(links.feed(parsed.text), parsed.citations)
                else:
                    finished = piece
    except EloquentError:
        draft.say(links.feed(parser.finish().text) + links.finish())
        raise
    draft.say(links.feed(parser.finish().text) + links.finish())
    if finished is None:
        raise TransientError("the model's stream ended without saying how")
    return finished


def _shortfall(finished: Finished, text: str) -> str | None:
    if finished.reason != "stop":
        return _FAILURES.get(finished.reason, "unfinished")
    return None if text.strip() else "empty_answer"
