"""The door for events: a question with its passages gets its answer."""

import asyncio
from collections.abc import Callable

from generation_service.draft import cancelled
from generation_service.ports import Answer, Metering
from generation_service.prompt import Prompt
from libs.answers.attempt import Attempt, AttemptStopped
from libs.answers.writer import AnswerWriter
from libs.bus.bus import Bus
from libs.bus.entry import Entry
from libs.bus.outcome import Outcome
from libs.contracts.events import AnswerWritten, ContextRetrieved
from libs.contracts.values import Turn

Prepare = Callable[[ContextRetrieved], Prompt]
"""Makes the prompt."""
MeterOf = Callable[[Turn, Attempt], Metering]
"""Gives an attempt what counts its cost."""


def register(
    bus: Bus,
    *,
    prepare: Prepare,
    answer: Answer,
    writer: AnswerWriter,
    meter_of: MeterOf,
    model: str,
    concurrency: int,
) -> None:
    """From here on the bus answers `chat.retrieved` with `chat.answered` and the frames of an answer."""

    @bus.on(ContextRetrieved, concurrency=concurrency)
    async def on_context_retrieved(context: ContextRetrieved, entry: Entry) -> Outcome | AnswerWritten:
        attempt = writer.attempt(entry, context.turn, model=model)
        meter = meter_of(context.turn, attempt)
        # Made while Redis says whether the attempt may begin.
        prompt = asyncio.create_task(_prepared(prepare, context))
        try:
            async with attempt:
                written = await answer(context, await prompt, write=attempt.write, meter=meter, last_try=entry.last_try)
                return attempt.finish(_billed(written, meter))
        except AttemptStopped as stopped:
            if stopped.reason != "cancelled":
                raise
            shown = attempt.shown
            return _billed(cancelled(context, model=model, text=shown.text, citations=shown.citations), meter)


async def _prepared(prepare: Prepare, context: ContextRetrieved) -> Prompt:
    # What was written to Redis leaves when the loop has had its turn.
    await asyncio.sleep(0)
    return prepare(context)


def _billed(written: AnswerWritten, meter: Metering) -> AnswerWritten:
    return written.model_copy(update={"cost_micro_usd": meter.cost_micro_usd}) if meter.cost_micro_usd else written
