"""Sessions as files for people and for programs, piece by piece: a whole history never stands in memory."""

from collections.abc import AsyncIterator, Sequence
from typing import Literal
from uuid import UUID

from history_service.citations import PostgresRights
from history_service.cursors import MessageCursor
from history_service.messages import PostgresMessages, Row
from history_service.sessions import PostgresSessions, SessionRow
from history_service.views import Message, message_of, session_of
from libs.contracts.values import Principal, ShownCitation

Format = Literal["markdown", "json"]

MEDIA_TYPES: dict[Format, str] = {"markdown": "text/markdown; charset=utf-8", "json": "application/json"}
SUFFIXES: dict[Format, str] = {"markdown": "md", "json": "json"}

PAGE = 100
"""Rows in memory at once; between two pages no connection is held, however slowly the file is taken."""

_SPEAKERS = {"user": "You", "assistant": "Assistant"}
_MARKUP = str.maketrans({character: f"\\{character}" for character in "\\`*_[]<>#|"})


class Export:
    """Writes sessions out, with what of their citations the caller may read now.

    Args:
        sessions: the caller's sessions.
        messages: their messages.
        rights: says what of a citation is shown.
    """

    def __init__(self, sessions: PostgresSessions, messages: PostgresMessages, rights: PostgresRights) -> None:
        self._sessions = sessions
        self._messages = messages
        self._rights = rights

    async def one(
        self, session: SessionRow, caller: Principal, form: Format, *, all_branches: bool = False
    ) -> AsyncIterator[str]:
        """The pieces of one session's file: in JSON the session with its `messages`.

        Args:
            session: the caller's.
            caller: whose rights count.
            form: of the file.
            all_branches: in JSON, also what is not shown; each message then says what it `follows`.

        Raises:
            TransientError: the database does not answer.
        """
        messages = self._all_branches if all_branches and form == "json" else self._shown
        pieces = (self._markdown if form == "markdown" else self._json)(session, messages(session.session_id, caller))
        async for piece in pieces:
            yield piece

    async def everything(self, caller: Principal, form: Format) -> AsyncIterator[str]:
        """The pieces of one file with all sessions, those with the latest turns first; in JSON with all branches.

        Raises:
            TransientError: the database does not answer.
        """
        if form == "json":
            yield '{"sessions": ['
        number = 0
        async for session in self._all_sessions(caller.user_id):
            if number and form == "json":
                yield ",\n"
            async for piece in self.one(session, caller, form, all_branches=True):
                yield piece
            number += 1
        if form == "json":
            yield "]}\n"

    async def _markdown(self, session: SessionRow, messages: AsyncIterator[Message]) -> AsyncIterator[str]:
        yield f"# {_plain(session.title)}\n\n{session.created_at:%Y-%m-%d %H:%M} UTC\n\n"
        async for message in messages:
            yield markdown_of(message)

    async def _json(self, session: SessionRow, messages: AsyncIterator[Message]) -> AsyncIterator[str]:
        head = session_of(session).model_dump_json(exclude={"deleted_at", "restorable_until"})
        yield f'{head[:-1]}, "messages": ['
        separator = ""
        async for message in messages:
            yield separator + message.model_dump_json()
            separator = ",\n"
        yield "]}"

    async def _all_sessions(self, user_id: UUID) -> AsyncIterator[SessionRow]:
        rows = await self._sessions.list(user_id, after=None, limit=PAGE)
        # A session with a new turn moves to the front while the file is written: what was seen stays seen.
        seen = set()
        while rows:
            for row in rows:
                if row.session_id not in seen:
                    seen.add(row.session_id)
                    yield row
            rows = await self._sessions.list(user_id, after=rows[-1].cursor, limit=PAGE)

    async def _shown(self, session_id: UUID, caller: Principal) -> AsyncIterator[Message]:
        after: MessageCursor | None = None
        while rows := await self._messages.list(session_id, caller.user_id, order="oldest", after=after, limit=PAGE):
            for message in await self._readable(rows, caller):
                yield message
            after = MessageCursor(rows[-1]["position"], "oldest")

    async def _all_branches(self, session_id: UUID, caller: Principal) -> AsyncIterator[Message]:
        after = 0
        while rows := await self._messages.list_all(session_id, caller.user_id, after=after, limit=PAGE):
            for message in await self._readable(rows, caller):
                yield message
            after = rows[-1]["position"]

    async def _readable(self, rows: Sequence[Row], caller: Principal) -> list[Message]:
        citations = await self._rights.shown(rows, caller)
        return [message_of(row, citations) for row in rows]


def markdown_of(message: Message) -> str:
    """One message as a section; an answer is Markdown already and stays as it is."""
    text = message.content or f"*{message.failure or message.status or ''}*"
    return f"## {_SPEAKERS[message.role]}, {message.created_at:%Y-%m-%d %H:%M} UTC\n\n{text}\n\n" + "".join(
        map(_source, message.citations)
    )


def _source(citation: ShownCitation) -> str:
    if citation.availability == "withheld":
        return f"> [{citation.number}] (no longer readable)\n\n"
    page = "" if citation.place.page is None else f", p. {citation.place.page}"
    return f"> [{citation.number}] **{_plain(citation.title)}**{page}: {_plain(citation.quote)}\n\n"


def _plain(text: str) -> str:
    return " ".join(text.split()).translate(_MARKUP)


def archive_name(form: Format, session_id: UUID | None = None) -> str:
    """What the file is called: never after what somebody wrote."""
    return f"chat-{session_id or 'history'}.{SUFFIXES[form]}"
