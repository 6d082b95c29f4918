"""From a written answer to a stored one, and to the session's next turn."""

from history_service.metrics import TURN_SECONDS, TURNS
from history_service.outcomes import Finished
from history_service.ports import TurnStore
from history_service.text import digest_of, storable, storable_json
from libs.contracts.events import AnswerWritten
from libs.contracts.frames import Ended
from libs.contracts.values import Citation

SESSION_DELETED = "session_deleted"
UNKNOWN_FAILURE = "unknown"


async def record_answer(written: AnswerWritten, *, store: TurnStore) -> Finished:
    """Store the answer and open the session's next queued turn.

    The first end of an answer counts: a later one changes nothing and is told how the answer is stored. An answer
    whose turn is not there (its session was deleted, or it was given up before it was stored) has failed.

    Raises:
        TransientError: the database does not answer.
    """
    answer = _storable_answer(written)
    recorded = await store.record(answer, digest=digest_of(answer.text))
    if recorded is None:
        failure = answer.failure or SESSION_DELETED
        return Finished(written.turn, Ended(status="failed", digest=digest_of(""), failure=failure))
    if recorded.is_first:
        TURNS.labels(recorded.ended.status).inc()
        TURN_SECONDS.labels(recorded.ended.status).observe(
            (written.occurred_at - written.turn.asked_at).total_seconds()
        )
    opens = recorded.opens.event() if recorded.opens else None
    return Finished(written.turn, recorded.ended, opens)


def _storable_answer(written: AnswerWritten) -> AnswerWritten:
    failure = storable(written.failure or UNKNOWN_FAILURE) if written.status == "failed" else None
    citations = tuple(
        Citation.model_validate(storable_json(citation.model_dump(mode="json"))) for citation in written.citations
    )
    model = None if written.model is None else storable(written.model)
    changes = {"text": storable(written.text), "citations": citations, "failure": failure, "model": model}
    return written.model_copy(update=changes)
