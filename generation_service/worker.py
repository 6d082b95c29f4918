"""The door for events: a question with its passages gets its answer."""

from generation_service.draft import cancelled
from generation_service.ports import Answer
from libs.answers.attempt import AttemptStopped
from libs.answers.writer import AnswerWriter
from libs.bus.bus import Bus
from libs.bus.entry import Entry
from libs.bus.outcome import Outcome
from libs.contracts.events import AnswerWritten, ContextRetrieved


def register(bus: Bus, *, answer: Answer, writer: AnswerWriter, model: str, concurrency: int) -> None:
    """From here on the bus answers `chat.retrieved` with `chat.answered` and the frames of an answer."""

    @bus.on(ContextRetrieved, concurrency=concurrency)
    async def on_context_retrieved(context: ContextRetrieved, entry: Entry) -> Outcome | AnswerWritten:
        attempt = writer.attempt(entry, context.turn, model=model)
        try:
            async with attempt:
                return attempt.finish(await answer(context, write=attempt.write, last_try=entry.last_try))
        except AttemptStopped as stopped:
            if stopped.reason != "cancelled":
                raise
            return cancelled(context, model=model, text=attempt.shown.text, citations=attempt.shown.citations)
