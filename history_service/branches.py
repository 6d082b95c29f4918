"""The branches of a session in PostgreSQL: which one is shown, and what else there is at each place."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from history_service.placing import tree_of
from history_service.tree import Tree, turn_at
from libs.db.errors import translated

_OWN = """
    SELECT active_position FROM chat_sessions WHERE session_id = $1 AND user_id = $2 AND deleted_at IS NULL
    FOR NO KEY UPDATE
"""
_PLACE = """
    SELECT position, (SELECT max(position) FROM chat_messages WHERE session_id = $1) AS last
    FROM chat_messages WHERE session_id = $1 AND message_id = $2
"""
_SHOW = """
    WITH shown AS (UPDATE chat_sessions SET active_position = nullif($2::integer, $3::integer) WHERE session_id = $1)
    SELECT message_id FROM chat_messages WHERE session_id = $1 AND position = $2
"""

LAST_POSSIBLE = 2**31 - 2
"""Where the tree of a session ends that nobody has looked up: turns that are not there are not found then."""

_TURNS = """
    SELECT question.position, question.message_id AS question_id, answer.message_id AS answer_id,
           sha256(convert_to(question.content, 'UTF8')) AS words
    FROM chat_messages AS question
    JOIN chat_messages AS answer
      ON answer.session_id = question.session_id AND answer.position = question.position + 1
    WHERE question.session_id = $1 AND question.position = ANY($2)
    ORDER BY question.position
"""


@dataclass(frozen=True, slots=True)
class Siblings:
    """A message and what could stand in its stead, in the order in which it was asked for.

    Of a question, one message for each other wording; of an answer, all answers to the same words.
    """

    ids: tuple[UUID, ...]
    index: int


class PostgresBranches:
    """Branches.

    Args:
        pool: connections to the writer.
        reader: connections to a replica for what stands beside lists, or the same pool.
    """

    def __init__(self, pool: asyncpg.Pool, *, reader: asyncpg.Pool) -> None:
        self._pool = pool
        self._reader = reader

    async def show(self, session_id: UUID, user_id: UUID, message_id: UUID) -> UUID | None:
        """Afterwards a branch with this message is shown; None: the user has no such one.

        Unless it is on the branch that is shown already, that is the one with the latest answer below it.

        Returns:
            the branch's last answer.
        """
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                session = await connection.fetchrow(_OWN, session_id, user_id)
                if session is None:
                    return None
                place = await connection.fetchrow(_PLACE, session_id, message_id)
                if place is None:
                    return None
                tree = await tree_of(connection, session_id, last=place["last"])
                leaf = session["active_position"] or place["last"]
                if not tree.leads_to(place["position"], leaf):
                    leaf = tree.leaf_below(place["position"])
                shown: UUID = await connection.fetchval(_SHOW, session_id, leaf, place["last"])
                return shown

    async def siblings(self, session_id: UUID, rows: Sequence[Any]) -> dict[UUID, Siblings]:
        """By message id, the siblings of those that have any.

        Args:
            session_id: of all rows.
            rows: messages as they are stored, of somebody who may read them.
        """
        with translated():
            async with self._reader.acquire() as connection:
                tree = await tree_of(connection, session_id, last=LAST_POSSIBLE)
                if not tree.has_branches:
                    return {}
                places = {tree.after(turn_at(row["position"])) for row in rows}
                beside = {place: hanging for place in places if len(hanging := tree.siblings(place)) > 1}
                if not beside:
                    return {}
                wanted = [turn for hanging in beside.values() for turn in hanging]
                turns = {row["position"]: row for row in await connection.fetch(_TURNS, session_id, wanted)}
        return dict(_siblings(rows, tree, beside, turns))


def _siblings(
    rows: Iterable[Any], tree: Tree, beside: dict[int, list[int]], turns: dict[int, Any]
) -> Iterable[tuple[UUID, Siblings]]:
    for row in rows:
        mine = turn_at(row["position"])
        if mine not in turns:
            # Nothing beside it, or a replica that does not know it yet.
            continue
        at_place = [turns[turn] for turn in beside[tree.after(mine)] if turn in turns]
        words = turns[mine]["words"]
        if row["role"] == "assistant":
            ids = [turn["answer_id"] for turn in at_place if turn["words"] == words]
        else:
            # Of each wording its latest turn, of this one's the turn at hand.
            wordings = {turn["words"]: turn["question_id"] for turn in at_place} | {words: row["message_id"]}
            ids = list(wordings.values())
        if len(ids) > 1:
            yield row["message_id"], Siblings(tuple(ids), ids.index(row["message_id"]))
