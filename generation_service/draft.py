"""An answer while it is written: what was said, when, and how it ends."""

from collections.abc import Callable

import structlog

from generation_service.metrics import ANSWERS
from generation_service.ports import Write
from libs.contracts.events import AnswerWritten, ContextRetrieved
from libs.contracts.frames import Cited, Delta
from libs.contracts.values import AnswerStatus, Citation, Usage

log = structlog.get_logger()


class Draft:
    """Writes frames and keeps what they said, so that event and log cannot differ."""

    def __init__(self, context: ContextRetrieved, write: Write, monotonic: Callable[[], float]) -> None:
        self._context = context
        self._write = write
        self._monotonic = monotonic
        self._begun = monotonic()
        self._first_token_seconds: float | None = None
        self._said: list[str] = []
        self._citations: list[Citation] = []

    @property
    def text(self) -> str:
        """All that was said so far."""
        return "".join(self._said)

    def say(self, text: str, citations: tuple[Citation, ...] = ()) -> None:
        """Write a delta, if there is text, and then the citations that are new in it."""
        if text:
            if self._first_token_seconds is None:
                self._first_token_seconds = self._monotonic() - self._begun
            self._said.append(text)
            self._write(Delta(text=text))
        for citation in citations:
            self._citations.append(citation)
            self._write(Cited(citation=citation))

    def ended(
        self, status: AnswerStatus, *, model: str | None = None, usage: Usage | None = None, failure: str | None = None
    ) -> AnswerWritten:
        """The event that says so, counted and logged; `model` is None when nobody was asked."""
        seconds = self._monotonic() - self._begun
        usage = usage or Usage()
        ANSWERS.labels(status, failure or "").inc()
        log.info("answer written", status=status, failure=failure, output_tokens=usage.output_tokens, seconds=seconds)
        return AnswerWritten(
            turn=self._context.turn,
            status=status,
            text=self.text,
            citations=tuple(self._citations),
            model=model,
            usage=usage,
            timings=self._context.timings.model_copy(
                update={"first_token_seconds": self._first_token_seconds, "generation_seconds": seconds}
            ),
            failure=failure,
        )


def cancelled(context: ContextRetrieved, *, model: str, text: str, citations: tuple[Citation, ...]) -> AnswerWritten:
    """The answer that its user stopped, with what they were shown until then."""
    ANSWERS.labels("cancelled", "").inc()
    log.info("answer cancelled")
    return AnswerWritten(
        turn=context.turn, status="cancelled", text=text, citations=citations, model=model, timings=context.timings
    )
