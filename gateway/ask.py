"""From a client's frame to `chat.asked`."""

import asyncio
from contextlib import suppress
from uuid import UUID

from gateway.admission import Admission
from gateway.client_frames import Send, question_of, stead_of
from gateway.ports import Memory, Questions
from libs.clock import Clock
from libs.contracts.events import QuestionAsked
from libs.contracts.ids import session_uuid, turn_ids
from libs.contracts.values import Principal, Turn
from libs.errors import RequestError, TransientError

RETRY_AFTER_SECONDS = 5.0


def turn_of(send: Send, principal: Principal, *, clock: Clock) -> Turn:
    """The turn a `send` frame means; the same frame always means the same one.

    Raises:
        RequestError: the session's id or the message cannot be used.
    """
    session_id = session_of(send.id, principal)
    message_id, question = question_of(send)
    ids = turn_ids(session_id, principal, message_id)
    return Turn(
        session_id=session_id,
        question_id=ids.question_id,
        answer_id=ids.answer_id,
        principal=principal,
        question=question,
        asked_at=clock(),
        client_message_id=message_id,
        **stead_of(send)._asdict(),
    )


def session_of(client_id: str, principal: Principal) -> UUID:
    """The session a client means by its id.

    Raises:
        RequestError: the id is neither a UUID nor URL-safe.
    """
    try:
        return session_uuid(client_id, principal)
    except ValueError as error:
        raise RequestError(f"{error}.", status=422, code="invalid_session_id") from None


async def ask(
    turn: Turn, *, address: str, questions: Questions, asked: Memory, admission: Admission, max_backlog: int
) -> bool:
    """Publish the question, unless too many wait already or its asker asks too much: full is said, not suffered.

    Until history has stored it, `asked` knows of it. A question that is under way already is published again, which
    does no harm, and is not counted a second time.

    Returns:
        Whether it was not under way.

    Raises:
        RequestError: 503 or 429, when to ask again is in it; nothing was accepted.
        TransientError: Redis does not answer; asking again with the same message id is safe.
    """
    event = QuestionAsked(turn=turn)
    # At once, since every round trip is time that the client waits.
    waiting, is_new = await asyncio.gather(questions.backlog(event), admission.claim(turn))
    try:
        _require_room(waiting, max_backlog)
        if is_new:
            await admission.count_question(turn.principal, address)
    except RequestError:
        if is_new:
            await admission.release(turn.principal, turn.session_id, turn.answer_id)
        raise
    await questions.publish(event)
    with suppress(TransientError):
        # The question is on its way, that is what counts.
        await asked.remember(turn.session_id, turn.principal.user_id, turn.answer_id)
    return is_new


def _require_room(waiting: int, max_backlog: int) -> None:
    if waiting >= max_backlog:
        raise RequestError(
            f"Too many questions are waiting. Ask again in {RETRY_AFTER_SECONDS:.0f} seconds.",
            status=503,
            code="overloaded",
            retry_after_seconds=RETRY_AFTER_SECONDS,
        )
