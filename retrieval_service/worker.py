"""The door for events: an opened turn gets its passages."""

from libs.answers.hops import announce
from libs.bus.bus import Bus
from libs.bus.outcome import Outcome
from libs.contracts.events import TurnOpened
from libs.contracts.frames import PassagesFound, Source
from libs.contracts.values import Passage
from retrieval_service.ports import Retrieve

PATIENCE_SECONDS = 30.0
"""Longer than the failover of a database, not longer than somebody waits for an answer to begin."""


def register(bus: Bus, *, retrieve: Retrieve, concurrency: int) -> None:
    """From here on the bus answers `chat.opened` with `chat.retrieved` and the frame `passages`."""

    @bus.on(TurnOpened, concurrency=concurrency, patience_seconds=PATIENCE_SECONDS)
    async def on_turn_opened(opened: TurnOpened) -> Outcome:
        context = await retrieve(opened)
        frame = PassagesFound(sources=tuple(map(_source, context.passages)))
        return announce(opened.turn, frame, then=context)


def _source(passage: Passage) -> Source:
    return Source(
        chunk_id=passage.chunk_id,
        document_id=passage.document_id,
        title=passage.title,
        media_type=passage.media_type,
        place=passage.place,
        score=passage.score,
    )
