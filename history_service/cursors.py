"""Cursors of lists: opaque to clients, the key of the last item seen to us."""

import base64
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

from libs.errors import RequestError

CURSOR_MAX_CHARACTERS = 128

Order = Literal["oldest", "newest"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

# As long as what they become can hold: year 5138, and a 32-bit integer.
_SESSION = re.compile(r"s\.([0-9]{1,17})\.([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
_HIT = re.compile(r"h\.([0-9]{1,17})\.([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
_SHARE = re.compile(r"l\.([0-9]{1,17})\.([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
_MESSAGE = re.compile(r"m\.([0-9]{1,9})\.(oldest|newest)")


@dataclass(frozen=True, slots=True)
class SessionCursor:
    """A place in a user's sessions, latest first."""

    updated_at: datetime
    session_id: UUID

    def encode(self) -> str:
        """The cursor as a client gets it."""
        return _sealed(f"s.{(self.updated_at - _EPOCH) // _MICROSECOND}.{self.session_id}")

    @classmethod
    def decode(cls, text: str) -> "SessionCursor":
        """The cursor that `encode` wrote.

        Raises:
            RequestError: 422 `invalid_cursor`.
        """
        match = _SESSION.fullmatch(_unsealed(text))
        if match is None:
            raise _invalid()
        return cls(_EPOCH + int(match[1]) * _MICROSECOND, UUID(match[2]))


@dataclass(frozen=True, slots=True)
class HitCursor:
    """A place in the messages that a search found, latest first."""

    created_at: datetime
    message_id: UUID

    def encode(self) -> str:
        """The cursor as a client gets it."""
        return _sealed(f"h.{(self.created_at - _EPOCH) // _MICROSECOND}.{self.message_id}")

    @classmethod
    def decode(cls, text: str) -> "HitCursor":
        """The cursor that `encode` wrote.

        Raises:
            RequestError: 422 `invalid_cursor`.
        """
        match = _HIT.fullmatch(_unsealed(text))
        if match is None:
            raise _invalid()
        return cls(_EPOCH + int(match[1]) * _MICROSECOND, UUID(match[2]))


@dataclass(frozen=True, slots=True)
class ShareCursor:
    """A place in a user's links, latest first."""

    created_at: datetime
    share_id: UUID

    def encode(self) -> str:
        """The cursor as a client gets it."""
        return _sealed(f"l.{(self.created_at - _EPOCH) // _MICROSECOND}.{self.share_id}")

    @classmethod
    def decode(cls, text: str) -> "ShareCursor":
        """The cursor that `encode` wrote.

        Raises:
            RequestError: 422 `invalid_cursor`.
        """
        match = _SHARE.fullmatch(_unsealed(text))
        if match is None:
            raise _invalid()
        return cls(_EPOCH + int(match[1]) * _MICROSECOND, UUID(match[2]))


@dataclass(frozen=True, slots=True)
class MessageCursor:
    """A place in a session's messages, read in one order."""

    position: int
    order: Order

    def encode(self) -> str:
        """The cursor as a client gets it."""
        return _sealed(f"m.{self.position}.{self.order}")

    @classmethod
    def decode(cls, text: str, *, order: Order) -> "MessageCursor":
        """The cursor that `encode` wrote, for the same order.

        Raises:
            RequestError: 422 `invalid_cursor`.
        """
        match = _MESSAGE.fullmatch(_unsealed(text))
        if match is None or match[2] != order:
            raise _invalid()
        return cls(int(match[1]), order)


def _sealed(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _unsealed(text: str) -> str:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode("ascii")
    except ValueError as error:
        raise _invalid() from error


def _invalid() -> RequestError:
    return RequestError(
        "Take `cursor` from `next_cursor` of the page before, or leave it out.", status=422, code="invalid_cursor"
    )
