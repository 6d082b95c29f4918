"""The twin of `history_service.turns`: the same promises, in a dictionary."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from history_service.past import PastLimits, PastTurn, recent_messages
from history_service.ports import AskedBefore, OpenedTurn, RecordedAnswer, StoredTurn, TooManySiblings, TurnStatus
from history_service.tree import SIBLINGS_MAX, Tree, follows
from libs.clock import utc_now
from libs.contracts.events import AnswerWritten
from libs.contracts.frames import Ended
from libs.contracts.values import PastMessage, Turn
from libs.telemetry.tracing import current_traceparent


@dataclass(slots=True)
class _Row:
    turn: Turn
    status: TurnStatus
    asked_by: UUID
    position: int
    after: int
    client_message_id: str | None
    traceparent: str
    opened_by: UUID | None = None
    text: str = ""
    ended: Ended | None = None


@dataclass(slots=True)
class _Session:
    user_id: UUID
    title: str
    rows: list[_Row] = field(default_factory=list)
    is_deleted: bool = False
    active: int | None = None

    @property
    def tree(self) -> Tree:
        turnoffs = [(row.position, row.after) for row in self.rows if row.after != row.position - 1]
        return Tree(2 * len(self.rows), turnoffs)

    @property
    def leaf(self) -> int:
        return self.active or 2 * len(self.rows)

    def position_of(self, answer_id: UUID | None) -> int | None:
        return next((row.position + 1 for row in self.rows if row.turn.answer_id == answer_id), None)

    def named(self, name: str | None) -> _Row | None:
        by_id = (row for row in self.rows if name in {str(row.turn.question_id), str(row.turn.answer_id)})
        by_client = (row for row in self.rows if name is not None and row.client_message_id == name)
        return next(by_id, None) or next(by_client, None)

    def earliest_unfinished(self) -> _Row | None:
        return next((row for row in self.rows if row.ended is None), None)

    def row(self, answer_id: UUID) -> _Row | None:
        return next((row for row in self.rows if row.turn.answer_id == answer_id), None)

    def same_question(self, turn: Turn) -> _Row | None:
        return next(
            (
                row
                for row in self.rows
                if turn.client_message_id is not None
                and turn.client_message_id in {row.client_message_id, str(row.turn.question_id)}
                and row.turn.question_id != turn.question_id
            ),
            None,
        )


class MemoryTurns:
    """Fits `TurnStore`."""

    def __init__(self, *, past: PastLimits) -> None:
        self._past = past
        self.sessions: dict[UUID, _Session] = {}
        self._claims: dict[UUID, tuple[UUID, datetime]] = {}

    def claim(self, guest_id: UUID, user_id: UUID) -> None:
        """As the API does."""
        self._claims[guest_id] = (user_id, utc_now())
        for session in self.sessions.values():
            if session.user_id == guest_id:
                session.user_id = user_id

    def delete(self, session_id: UUID) -> None:
        """As the API does: a tombstone stays."""
        session = self.sessions[session_id]
        session.is_deleted, session.title, session.rows = True, "", []

    def show(self, session_id: UUID, answer_id: UUID) -> None:
        """As the API does."""
        session = self.sessions[session_id]
        position = session.position_of(answer_id)
        assert position is not None, "the twin is asked for what it has"  # noqa: S101 - tests alone
        if not session.tree.leads_to(position, session.leaf):
            session.active = session.tree.leaf_below(position)

    def path(self, session_id: UUID) -> list[UUID]:
        """The answers of the branch that is shown."""
        session = self.sessions[session_id]
        return [row.turn.answer_id for row in session.rows if session.tree.leads_to(row.position, session.leaf)]

    async def open(
        self, turn: Turn, *, event_id: UUID, title: str
    ) -> StoredTurn | AskedBefore | TooManySiblings | None:
        user_id = self._owner(turn)
        session = self.sessions.setdefault(turn.session_id, _Session(user_id, title))
        if session.user_id != user_id or session.is_deleted:
            return None
        before = session.same_question(turn)
        if before is not None:
            return AskedBefore(before.turn.answer_id if user_id == turn.principal.user_id else None)
        replaced = session.named(turn.replaces)
        if (
            replaced
            and turn.in_place
            and replaced.turn.question == turn.question
            and replaced.turn.answer_id != turn.answer_id
        ):
            self._show_if_hidden(session, replaced)
            return AskedBefore(replaced.turn.answer_id if user_id == turn.principal.user_id else None)
        row = session.row(turn.answer_id)
        if row is None:
            after = follows(
                session.tree,
                leaf=session.leaf,
                replaced=replaced.position if replaced else None,
                seen=session.position_of(turn.seen),
            )
            if len(session.tree.siblings(after)) >= SIBLINGS_MAX:
                return TooManySiblings()
            row = self._added(session, turn, event_id, after=after, is_edit=replaced is not None)
        history = self._history(session, row) if row.opened_by == event_id and row.ended is None else ()
        return StoredTurn(row.status, row.asked_by, row.opened_by, history, row.ended)

    def _added(self, session: _Session, turn: Turn, event_id: UUID, *, after: int, is_edit: bool) -> _Row:
        waits = session.earliest_unfinished() is not None
        row = _Row(
            turn,
            "queued" if waits else "opened",
            event_id,
            position=2 * len(session.rows) + 1,
            after=after,
            client_message_id=turn.replaces if turn.in_place and not is_edit else turn.client_message_id,
            traceparent=current_traceparent(),
            opened_by=None if waits else event_id,
        )
        session.rows.append(row)
        session.active = None
        return row

    def _show_if_hidden(self, session: _Session, row: _Row) -> None:
        if not session.tree.leads_to(row.position, session.leaf):
            session.active = session.tree.leaf_below(row.position)

    def _owner(self, turn: Turn) -> UUID:
        asker = turn.principal.user_id
        claimed_by, claimed_at = self._claims.get(asker, (asker, turn.asked_at))
        session = self.sessions.get(turn.session_id)
        is_known = session is not None and session.row(turn.answer_id) is not None
        return claimed_by if is_known or turn.asked_at <= claimed_at else asker

    async def record(self, written: AnswerWritten, *, digest: str) -> RecordedAnswer | None:
        session = self.sessions.get(written.turn.session_id)
        row = session.row(written.turn.answer_id) if session else None
        if session is None or row is None:
            return None
        is_first = row.ended is None
        if row.ended is None:
            row.status, row.text = written.status, written.text
            row.ended = Ended(
                status=written.status,
                digest=digest,
                failure=written.failure,
                model=written.model,
                usage=written.usage,
                timings=written.timings,
            )
        return RecordedAnswer(row.ended, is_first, self._open_next(session, written.event_id))

    def _open_next(self, session: _Session, event_id: UUID) -> OpenedTurn | None:
        row = session.earliest_unfinished()
        if row is None:
            return None
        if row.status == "queued":
            row.status, row.opened_by = "opened", event_id
        opened = OpenedTurn(row.turn, self._history(session, row), row.traceparent)
        return opened if row.opened_by == event_id else None

    def _history(self, session: _Session, row: _Row) -> tuple[PastMessage, ...]:
        tree = session.tree
        before = [
            past for past in session.rows[: session.rows.index(row)] if tree.leads_to(past.position, row.position)
        ]
        shown = [past for past in before if past.status in {"completed", "cancelled"} and past.text]
        latest_first = [PastTurn(past.turn.question, past.text) for past in reversed(shown)]
        return recent_messages(latest_first, self._past)
