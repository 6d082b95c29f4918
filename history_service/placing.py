"""Where in its session's tree a new turn belongs, as PostgreSQL has it."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from history_service.ports import AskedBefore, TooManySiblings
from history_service.tree import SIBLINGS_MAX, Tree, follows
from libs.contracts.values import Turn

Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy

# By the client's own id, or by ours: a page that was loaded again knows no other.
_KNOWN = """
    SELECT (
        SELECT answer.message_id
        FROM chat_messages AS question
        JOIN chat_messages AS answer
          ON answer.session_id = question.session_id AND answer.position = question.position + 1
        WHERE question.session_id = $1 AND question.role = 'user' AND question.message_id <> $3
          AND (question.client_message_id = $2 OR question.message_id = $5)
        ORDER BY question.position LIMIT 1
    ) AS answer_id, (
        SELECT max(position) FROM chat_messages WHERE session_id = $1
    ) AS last, (
        SELECT position FROM chat_messages WHERE message_id = $4 AND session_id = $1 AND role = 'assistant'
    ) AS seen
"""

_REPLACED = """
    SELECT question.position, question.content, answer.message_id AS answer_id
    FROM chat_messages AS named
    JOIN chat_messages AS question
      ON question.session_id = $1 AND question.position = named.position - (named.role = 'assistant')::integer
    JOIN chat_messages AS answer ON answer.session_id = $1 AND answer.position = question.position + 1
    WHERE named.session_id = $1 AND (named.message_id = $2 OR named.client_message_id = $3)
    ORDER BY named.message_id = $2 DESC NULLS LAST
    LIMIT 1
"""

_TURNOFFS = "SELECT position, after FROM chat_messages WHERE session_id = $1 AND after IS NOT NULL"
_IS_STORED = "SELECT EXISTS (SELECT FROM chat_messages WHERE message_id = $1 AND session_id = $2)"
_SHOW = "UPDATE chat_sessions SET active_position = nullif($2::integer, $3::integer) WHERE session_id = $1"


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a turn belongs, if it is not stored already.

    Attributes:
        after: the position that it follows; None for the session's latest answer.
        client_message_id: by which its question is known again.
    """

    after: int | None
    client_message_id: str | None


def newly_placed(turn: Turn) -> Placed:
    """Where the turn belongs in a session of which nothing is stored; nor is what it was edited from."""
    return Placed(None, turn.replaces if turn.in_place else turn.client_message_id)


async def placed(
    connection: Connection, turn: Turn, *, active: int | None, is_theirs: bool
) -> Placed | AskedBefore | TooManySiblings:
    """Where the turn belongs; its session's row is locked.

    Args:
        connection: in the transaction that opens the turn.
        turn: the new one.
        active: the session's `active_position`.
        is_theirs: the asker owns the session. Nobody else is led to an answer that was written with other rights.
    """
    asked = (turn.session_id, turn.client_message_id, turn.question_id, turn.seen, _uuid(turn.client_message_id))
    [known] = await connection.fetch(_KNOWN, *asked)
    if known["answer_id"] is not None:
        return AskedBefore(known["answer_id"] if is_theirs else None)
    last, seen = known["last"] or 0, known["seen"]
    replaced = await _replaced(connection, turn)
    if replaced is None:
        # Edited, and never stored before it was: it is that question.
        place = newly_placed(turn)
        if active is None and (seen is None or seen == last):
            return place
        client_message_id = place.client_message_id
    elif turn.in_place and replaced["content"] == turn.question and replaced["answer_id"] != turn.answer_id:
        await _show(connection, turn.session_id, replaced["position"], active=active or last, last=last)
        return AskedBefore(replaced["answer_id"] if is_theirs else None)
    else:
        client_message_id = turn.client_message_id
    tree = await tree_of(connection, turn.session_id, last=last)
    position = replaced and replaced["position"]
    after = follows(tree, leaf=active or last, replaced=position, seen=seen)
    if len(tree.siblings(after)) >= SIBLINGS_MAX and not await connection.fetchval(
        _IS_STORED, turn.answer_id, turn.session_id
    ):
        return TooManySiblings()
    return Placed(None if after == last else after, client_message_id)


async def tree_of(connection: Connection, session_id: UUID, *, last: int) -> Tree:
    """The session's tree; its latest answer is at `last`."""
    rows = await connection.fetch(_TURNOFFS, session_id)
    return Tree(last, [(row["position"], row["after"]) for row in rows])


async def show_latest(connection: Connection, session_id: UUID) -> None:
    """The branch with the session's latest turn is the one that is shown."""
    await connection.execute(_SHOW, session_id, 0, 0)


async def _replaced(connection: Connection, turn: Turn) -> Any | None:
    if turn.replaces is None:
        return None
    return await connection.fetchrow(_REPLACED, turn.session_id, _uuid(turn.replaces), turn.replaces)


async def _show(connection: Connection, session_id: UUID, position: int, *, active: int, last: int) -> None:
    tree = await tree_of(connection, session_id, last=last)
    if not tree.leads_to(position, active):
        await connection.execute(_SHOW, session_id, tree.leaf_below(position), last)


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None
