"""Frames and twins for the gateway's tests."""

import hashlib
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any
from uuid import UUID, uuid4

from gateway.admission import Admission
from gateway.plans import Used
from gateway.ports import StoredAnswer
from gateway.rates import Claim, Policy, Standing
from gateway.settings import GatewaySettings
from gateway.turns import Claimed
from gateway.ui_stream import Chunk, UiStream
from libs.answers.names import FrameId
from libs.answers.reader import LogEntry
from libs.contracts.events import Event
from libs.contracts.frames import Cited, Ended, Frame, Opened, PassagesFound, Source
from libs.contracts.values import KeyGrant, Place, ShownCitation, Turn

ANSWER_ID = UUID("00000000-0000-4000-8000-000000000001")
CHUNK_ID = UUID("00000000-0000-4000-8000-000000000002")
DOCUMENT_ID = UUID("00000000-0000-4000-8000-000000000003")


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def opened(*, queued: bool = False) -> Opened:
    return Opened(session_id=uuid4(), question_id=uuid4(), queued=queued)


def a_source(title: str = "Fees", *, chunk_id: UUID = CHUNK_ID, **given: Any) -> Source:
    place = given.pop("place", Place(page=3, heading=("Cards",)))
    return Source(
        chunk_id=chunk_id,
        document_id=DOCUMENT_ID,
        title=title,
        media_type="text/markdown",
        place=place,
        score=given.pop("score", 0.71234),
    )


def passages(*sources: Source) -> PassagesFound:
    return PassagesFound(sources=sources or (a_source(),))


def a_citation(number: int = 1, quote: str = "No fee.") -> ShownCitation:
    return ShownCitation(
        number=number,
        chunk_id=CHUNK_ID,
        document_id=DOCUMENT_ID,
        version=2,
        title="Fees",
        media_type="text/markdown",
        place=Place(page=3, heading=("Cards",), start=10, end=17),
        quote=quote,
    )


def cited(number: int = 1, quote: str = "No fee.") -> Cited:
    return Cited(citation=a_citation(number, quote))


def ended(text: str = "", **given: Any) -> Ended:
    return Ended(**{"status": "completed", "digest": digest_of(text), **given})


def a_stored_answer(content: str, **given: Any) -> StoredAnswer:
    return StoredAnswer(**{"content": content, "status": "completed", **given})


def a_message(text: str = "What is free?", **given: Any) -> dict[str, Any]:
    return {"id": "m-1", "role": "user", "parts": [{"type": "text", "text": text}], **given}


def a_send(**given: Any) -> dict[str, Any]:
    return {
        "type": "send",
        "requestId": "r-1",
        "id": "chat-1",
        "trigger": "submit-message",
        "messages": [a_message()],
        "headers": {"authorization": "Bearer t"},
        "body": {},
        **given,
    }


Frames = Iterable[tuple[int, Frame]]
"""Frames, each with its epoch."""


def chunks_of(frames: Frames, *, stream: UiStream | None = None) -> list[Chunk]:
    stream = stream or UiStream(str(ANSWER_ID))
    return [chunk for epoch, frame in frames for chunk in stream.chunks(epoch, frame)]


def kinds_of(chunks: Iterable[Chunk]) -> list[str]:
    return [chunk["type"] for chunk in chunks]


class ScriptedFrames:
    """A reading that gives these batches; None is a second of silence."""

    def __init__(self, *batches: Frames | None) -> None:
        self._batches = batches
        self.taken = 0

    async def batches(self) -> AsyncIterator[list[LogEntry]]:
        for batch in self._batches:
            self.taken += 1
            yield [LogEntry(FrameId(epoch, 0), frame) for epoch, frame in batch or ()]


class MemoryQuestions:
    """Questions that nobody takes."""

    def __init__(self, *, waiting: int = 0) -> None:
        self.published: list[Event] = []
        self.waiting = waiting

    async def publish(self, event: Event) -> None:
        self.published.append(event)

    async def backlog(self, event: Event) -> int:
        return self.waiting + len(self.published)


class MemoryOfAsked:
    """What was asked, for as long as the test runs."""

    def __init__(self) -> None:
        self.asked: dict[tuple[UUID, UUID], UUID] = {}

    async def remember(self, session_id: UUID, user_id: UUID, answer_id: UUID) -> None:
        self.asked[session_id, user_id] = answer_id

    async def recall(self, session_id: UUID, user_id: UUID) -> UUID | None:
        return self.asked.get((session_id, user_id))


class MemoryRates:
    """Counts without a window."""

    def __init__(self) -> None:
        self.counted: list[Claim] = []

    async def take(self, claims: Sequence[Claim]) -> Standing | None:
        for claim in claims:
            standing = await self.standing(claim)
            if not standing.remaining:
                return standing
        self.counted += claims
        return None

    async def standing(self, claim: Claim) -> Standing:
        return Standing(claim.policy, claim.policy.quota - self.counted.count(claim), 2.5)


class MemoryPlans:
    """A plan whose requests are used up, never to come back."""

    def __init__(self, *, burst: int = 10) -> None:
        self._policy = Policy("rate", burst)
        self.taken: list[KeyGrant] = []

    async def take(self, key: KeyGrant) -> Used:
        used = await self.look(key)
        self.taken += [key] if used.allowed else []
        return used

    async def look(self, key: KeyGrant) -> Used:
        left = self._policy.quota - len(self.taken)
        return Used(left > 0, (Standing(self._policy, left, 2.5),), len(self.taken), at=0.0)


class MemoryPlaces:
    """Places that are held until they are given back."""

    def __init__(self) -> None:
        self.held: set[tuple[UUID, UUID]] = set()

    async def claim(self, turn: Turn, *, most: int) -> Claimed:
        place = (turn.principal.user_id, turn.answer_id)
        if place in self.held:
            return "known"
        if sum(user_id == turn.principal.user_id for user_id, _ in self.held) >= most:
            return "full"
        self.held.add(place)
        return "claimed"

    async def release(self, user_id: UUID, session_id: UUID, answer_id: UUID) -> None:
        self.held.discard((user_id, answer_id))


def an_admission(
    rates: MemoryRates | None = None,
    places: MemoryPlaces | None = None,
    plans: MemoryPlans | None = None,
    **limits: int,
) -> Admission:
    """Limits as they are by default, unless given."""
    settings = GatewaySettings.model_validate(limits)
    return Admission(rates or MemoryRates(), places or MemoryPlaces(), plans or MemoryPlans(), settings)
