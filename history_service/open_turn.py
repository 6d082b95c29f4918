"""From a question to a turn that is stored: opened, or queued behind the session's earlier ones."""

from history_service.metrics import QUESTIONS
from history_service.outcomes import Accepted, Finished
from history_service.ports import AskedBefore, TooManySiblings, TurnStore
from history_service.text import digest_of, storable, title_of
from libs.contracts.events import QuestionAsked, TurnOpened
from libs.contracts.frames import Ended
from libs.contracts.values import Turn

SESSION_NOT_FOUND = "session_not_found"
ASKED_BEFORE = "asked_before"
TOO_MANY_BRANCHES = "too_many_branches"


async def open_turn(asked: QuestionAsked, *, store: TurnStore) -> Accepted | Finished | None:
    """Store the question, and decide whether its answer may begin.

    The same event again (its worker died between commit and hop) gives the same result again. The same question in
    another event is a client that sent it twice: the first one's answer is under way.

    Returns:
        `Accepted` for a stored question; None when somebody else has seen to it.
        `Finished` when nothing can begin: the answer has ended already, or the session is not the asker's (somebody
        else's and a deleted one look the same; the answer's id is derived from the asker, so nobody else reads it), or
        the question has an answer under another id, which the end names, or its place has too many turns already.

    Raises:
        TransientError: the database does not answer.
    """
    turn = _storable_turn(asked.turn)
    stored = await store.open(turn, event_id=asked.event_id, title=title_of(turn.question))
    if stored is None or isinstance(stored, TooManySiblings):
        QUESTIONS.labels("refused").inc()
        failure = TOO_MANY_BRANCHES if stored else SESSION_NOT_FOUND
        return Finished(turn, Ended(status="failed", digest=digest_of(""), failure=failure))
    if isinstance(stored, AskedBefore):
        QUESTIONS.labels("repeated").inc()
        ended = Ended(status="failed", digest=digest_of(""), failure=ASKED_BEFORE, instead=stored.answer_id)
        return Finished(turn, ended)
    if stored.ended is not None:
        QUESTIONS.labels("ended").inc()
        return Finished(turn, stored.ended)
    if stored.opened_by == asked.event_id:
        QUESTIONS.labels("opened").inc()
        return Accepted(turn, queued=False, opens=TurnOpened(turn=turn, history=stored.history))
    if stored.status == "queued" and stored.asked_by == asked.event_id:
        QUESTIONS.labels("queued").inc()
        return Accepted(turn, queued=True)
    # Sent twice, or opened by somebody else while this event changed hands: to announce it now would put an end to
    # the attempt that is under way.
    QUESTIONS.labels("repeated").inc()
    return None


def _storable_turn(turn: Turn) -> Turn:
    client_id = turn.client_message_id
    changes = {"question": storable(turn.question), "client_message_id": client_id and storable(client_id)}
    return turn.model_copy(update=changes)
