"""Rows of turns as the values that events and frames carry."""

from typing import Any

from libs.auth.keys import grant_of
from libs.contracts.frames import Ended
from libs.contracts.values import Principal, Timings, Turn, Usage

TURN = """
    SELECT answer.session_id, question.message_id AS question_id, answer.message_id AS answer_id, users.user_id,
           users.is_guest, answer.groups, question.content AS question, question.created_at AS asked_at,
           question.client_message_id, answer.position, answer.opened_at, answer.reopened_count, answer.traceparent,
           key.key_id, key.plan, key.scopes, key.budget_micro_usd, key.spent_micro_usd, key.month
    FROM chat_messages AS answer
    JOIN chat_messages AS question
      ON question.session_id = answer.session_id AND question.position = answer.position - 1
    JOIN chat_sessions ON chat_sessions.session_id = answer.session_id
    JOIN users USING (user_id)
    LEFT JOIN asked_with ON asked_with.answer_id = answer.message_id
    LEFT JOIN LATERAL key_grants_v1(asked_with.key_id) AS key ON true
"""
"""Answers with all that a turn is made of; whoever owns the session now is who asks."""


def turn_of(row: Any) -> Turn:
    """A row of `TURN` as a turn."""
    principal = Principal(
        user_id=row["user_id"],
        is_guest=row["is_guest"],
        groups=tuple(row["groups"] or ()),
        key=None if row["key_id"] is None else grant_of(row),
    )
    return Turn(
        session_id=row["session_id"],
        question_id=row["question_id"],
        answer_id=row["answer_id"],
        principal=principal,
        question=row["question"],
        asked_at=row["asked_at"],
        client_message_id=row["client_message_id"],
    )


def ended_frame(row: Any) -> Ended:
    """The last frame of a stored answer's log."""
    return Ended(
        status=row["status"],
        digest=row["digest"],
        failure=row["failure"],
        model=row["model"],
        usage=Usage.model_validate(row["usage"] or {}),
        timings=Timings.model_validate(row["timings"] or {}),
    )
