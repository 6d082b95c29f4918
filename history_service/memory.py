"""The twin of `history_service.turns`: the same promises, in a dictionary."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from history_service.past import PastLimits, PastTurn, recent_messages
from history_service.ports import AskedBefore, OpenedTurn, RecordedAnswer, StoredTurn, TurnStatus
from libs.clock import utc_now
from libs.contracts.events import AnswerWritten
from libs.contracts.frames import Ended
from libs.contracts.values import PastMessage, Turn


@dataclass(slots=True)
class _Row:
    turn: Turn
    status: TurnStatus
    asked_by: UUID
    opened_by: UUID | None = None
    text: str = ""
    ended: Ended | None = None


@dataclass(slots=True)
class _Session:
    user_id: UUID
    title: str
    rows: list[_Row] = field(default_factory=list)
    is_deleted: bool = False

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
                and row.turn.client_message_id == turn.client_message_id
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

    async def open(self, turn: Turn, *, event_id: UUID, title: str) -> StoredTurn | AskedBefore | None:
        user_id = self._owner(turn)
        session = self.sessions.setdefault(turn.session_id, _Session(user_id, title))
        if session.user_id != user_id or session.is_deleted:
            return None
        before = session.same_question(turn)
        if before is not None:
            return AskedBefore(before.turn.answer_id if user_id == turn.principal.user_id else None)
        row = session.row(turn.answer_id)
        if row is None:
            waits = session.earliest_unfinished() is not None
            row = _Row(turn, "queued" if waits else "opened", event_id, None if waits else event_id)
            session.rows.append(row)
        history = self._history(session, row) if row.opened_by == event_id and row.ended is None else ()
        return StoredTurn(row.status, row.asked_by, row.opened_by, history, row.ended)

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
        return OpenedTurn(row.turn, self._history(session, row)) if row.opened_by == event_id else None

    def _history(self, session: _Session, row: _Row) -> tuple[PastMessage, ...]:
        before = session.rows[: session.rows.index(row)]
        shown = [past for past in before if past.status in {"completed", "cancelled"} and past.text]
        latest_first = [PastTurn(past.turn.question, past.text) for past in reversed(shown)]
        return recent_messages(latest_first, self._past)
