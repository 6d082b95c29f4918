"""The door for events: a question with its passages gets its answer."""

from collections.abc import Callable

from generation_service.draft import cancelled
from generation_service.ports import Answer, Metering
from libs.answers.attempt import Attempt, AttemptStopped
from libs.answers.writer import AnswerWriter
from libs.bus.bus import Bus
from libs.bus.entry import Entry
from libs.bus.outcome import Outcome
from libs.contracts.events import AnswerWritten, ContextRetrieved
from libs.contracts.values import Turn

MeterOf = Callable[[Turn, Attempt], Metering]
"""Gives an attempt what counts its cost."""


def register(
    bus: Bus, *, answer: Answer, writer: AnswerWriter, meter_of: MeterOf, model: str, concurrency: int
) -> None:
    """From here on the bus answers `chat.retrieved` with `chat.answered` and the frames of an answer."""

    @bus.on(ContextRetrieved, concurrency=concurrency)
    async def on_context_retrieved(context: ContextRetrieved, entry: Entry) -> Outcome | AnswerWritten:
        attempt = writer.attempt(entry, context.turn, model=model)
        meter = meter_of(context.turn, attempt)
        try:
            async with attempt:
                written = await answer(context, write=attempt.write, meter=meter, last_try=entry.last_try)
                return attempt.finish(_billed(written, meter))
        except AttemptStopped as stopped:
            if stopped.reason != "cancelled":
                raise
            shown = attempt.shown
            return _billed(cancelled(context, model=model, text=shown.text, citations=shown.citations), meter)


def _billed(written: AnswerWritten, meter: Metering) -> AnswerWritten:
    return written.model_copy(update={"cost_micro_usd": meter.cost_micro_usd}) if meter.cost_micro_usd else written
