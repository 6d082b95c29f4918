"""From frames to the AI SDK's UI message stream (`UIMessageChunk`).

Sources come before the first step; each attempt is a step of its own. What ends an attempt early (a takeover, or the
turn opened again) sends `reset-step`, at which `useChat` drops the parts of the step; a `start-step` begins the next.
"""

import hashlib
import math
from collections.abc import Iterator
from typing import Any, assert_never

from gateway.ports import StoredAnswer
from gateway.rates import Standing
from libs.contracts.frames import Cited, Closed, Delta, Ended, Frame, Opened, PassagesFound, Source, Started
from libs.contracts.values import Citation, Place

Chunk = dict[str, Any]

PAGES_MAX = 50
"""Of one citation, whose beginnings are told: a quote of more is hardly one, and a frame has its bounds."""
PIECE_CHARACTERS = 5_000
"""Of text in one chunk: below the 32 KiB of Amazon API Gateway even if every character is escaped as `\\u0001`."""

EMPTY_DIGEST = hashlib.sha256().hexdigest()
"""Of an answer without text."""

_SENTENCES = {
    "session_not_found": "There is no such session.",
    "session_deleted": "The session was deleted.",
    "asked_before": "This was asked before its session moved to an account: the answer is there.",
    "too_many_branches": "There are too many versions of this question. Ask it as a new one.",
    "model_unavailable": "The language model does not answer. Please ask again in a moment.",
    "model_refused": "The language model refused this question.",
    "budget_exceeded": "What is left of this API key's monthly budget does not cover an answer.",
    "length_limit": "The answer was longer than allowed and was cut.",
    "content_filter": "The language model stopped: its content filter objected.",
}
_SENTENCE = "The answer could not be completed. Please ask again."


class UiStream:
    """Encodes one answer; the same frames always give the same chunks, so a replay can be told from a sequel.

    Args:
        answer_id: becomes the message's id.
    """

    def __init__(self, answer_id: str) -> None:
        self._answer_id = answer_id
        self._started = False
        self._step: str | None = None
        self._text_open = False
        self._sources: set[str] = set()
        self._digest = hashlib.sha256()

    @property
    def is_empty(self) -> bool:
        """Nothing was sent yet: no stage has said a word."""
        return not self._started

    def chunks(self, epoch: int, frame: Frame) -> Iterator[Chunk]:
        """What to send for a frame of this epoch; for `Ended`, only when `is_complete`."""
        yield from self._start()
        match frame:
            case Opened():
                yield from self._void_step()
                yield _status("queued" if frame.queued else "searching")
            case PassagesFound():
                # Sources are of the message, not of a step that may yet be void.
                yield from self._void_step()
                yield from self._new_sources(frame)
                yield _status("reading")
            case Started():
                yield from self._begin_step(str(epoch))
                yield _status("writing")
            case Delta():
                yield from self._text(frame.text)
            case Cited():
                yield _citation(self._step or str(epoch), frame.citation)
            case Closed():
                yield from self._close_text()
            case Ended():
                yield from self._close_text()
                yield from _ending(frame)
            case _:
                assert_never(frame)

    def is_complete(self, ended: Ended) -> bool:
        """Whether the text that was sent is the text that is stored."""
        return self._digest.hexdigest() == ended.digest

    def stored(self, answer: StoredAnswer) -> Iterator[Chunk]:
        """The stored answer, in place of what was sent unless that is the same, and its end."""
        yield from self._start()
        ended = answer.ended()
        if not self.is_complete(ended):
            yield from self._begin_step("stored")
            yield from self._text(answer.content)
            for citation in answer.citations:
                yield _citation("stored", citation, availability=citation.availability)
        yield from self._close_text()
        yield from _ending(ended)

    def _start(self) -> Iterator[Chunk]:
        if not self._started:
            self._started = True
            yield {"type": "start", "messageId": self._answer_id}

    def _begin_step(self, name: str) -> Iterator[Chunk]:
        yield from self._void_step()
        self._step = name
        yield {"type": "start-step"}

    def _void_step(self) -> Iterator[Chunk]:
        if self._step is not None:
            yield from self._close_text()
            yield {"type": "reset-step"}
            self._step = None
            self._digest = hashlib.sha256()

    def _text(self, text: str) -> Iterator[Chunk]:
        step = self._step or "text"
        if not self._text_open:
            self._text_open = True
            yield {"type": "text-start", "id": step}
        self._digest.update(text.encode())
        for at in range(0, len(text), PIECE_CHARACTERS):
            yield {"type": "text-delta", "id": step, "delta": text[at : at + PIECE_CHARACTERS]}

    def _close_text(self) -> Iterator[Chunk]:
        if self._text_open:
            self._text_open = False
            yield {"type": "text-end", "id": self._step or "text"}

    def _new_sources(self, frame: PassagesFound) -> Iterator[Chunk]:
        for source in frame.sources:
            name = str(source.chunk_id)
            if name not in self._sources:
                self._sources.add(name)
                yield _source(source)


def rate_limits(standing: Standing) -> Chunk:
    """How many more questions the client may ask: the words of the draft behind HTTP's RateLimit headers."""
    data = {
        "policy": standing.policy.name,
        "quota": standing.policy.quota,
        "windowSeconds": standing.policy.window_seconds,
        "remaining": standing.remaining,
        "resetSeconds": math.ceil(standing.reset_seconds),
    }
    return {"type": "data-rate-limits", "data": data, "transient": True}


def failure_text(failure: str | None) -> str:
    """A sentence for people about why an answer failed."""
    return _SENTENCES.get(failure or "", _SENTENCE)


def _status(stage: str) -> Chunk:
    return {"type": "data-status", "data": {"stage": stage}, "transient": True}


def _source(source: Source) -> Chunk:
    place = source.place
    details = {
        "documentId": str(source.document_id),
        **_where(place),
        "score": round(source.score, 4),
    }
    return {
        "type": "source-document",
        "sourceId": str(source.chunk_id),
        "mediaType": source.media_type,
        "title": source.title,
        "providerMetadata": {"eloquent": details},
    }


def _citation(step: str, citation: Citation, *, availability: str = "available") -> Chunk:
    place = citation.place
    data = {
        "number": citation.number,
        "chunkId": str(citation.chunk_id),
        "documentId": str(citation.document_id),
        "version": citation.version,
        "title": citation.title,
        "mediaType": citation.media_type,
        **_where(place),
        "start": place.start,
        "end": place.end,
        **({"pageStarts": list(place.page_starts)} if 0 < len(place.page_starts) <= PAGES_MAX else {}),
        "quote": citation.quote,
        "availability": availability,
    }
    # A part with the same id is replaced where it stands; another attempt's citation is another part.
    return {"type": "data-citation", "id": f"citation-{step}-{citation.number}", "data": data}


def _where(place: Place) -> dict[str, Any]:
    """What people look for the place by; beside page and headings only what the format has."""
    named = {
        "lastPage": place.last_page if place.page_starts else None,
        "slide": place.slide,
        "sheet": place.sheet,
        "rows": None if place.rows is None else list(place.rows),
        "tableHeader": place.table_header or None,
    }
    return {
        "page": place.page,
        "heading": list(place.heading),
        **{name: value for name, value in named.items() if value is not None},
    }


def _ending(frame: Ended) -> Iterator[Chunk]:
    if frame.status == "cancelled":
        yield {"type": "abort", "reason": "cancelled"}
        return
    if frame.status == "failed":
        yield {"type": "error", "errorText": failure_text(frame.failure)}
        return
    metadata = {
        "status": frame.status,
        "model": frame.model,
        "usage": frame.usage.model_dump(),
        "timings": frame.timings.model_dump(),
    }
    yield {"type": "finish", "finishReason": "stop", "messageMetadata": metadata}
