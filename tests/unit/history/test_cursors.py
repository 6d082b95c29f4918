"""Cursors come back as they went out, and nothing else is taken for one."""

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from history_service.cursors import MessageCursor, SessionCursor
from libs.errors import RequestError


@given(st.datetimes(datetime(2000, 1, 1), datetime(3000, 1, 1)), st.uuids())  # noqa: DTZ001 - made aware below
def test_a_session_cursor_comes_back(updated_at: datetime, session_id: object) -> None:
    """To the microsecond, or a page would skip or repeat an item."""
    cursor = SessionCursor(updated_at.replace(tzinfo=UTC), session_id)  # type: ignore[arg-type]  # a UUID

    assert SessionCursor.decode(cursor.encode()) == cursor


def test_a_message_cursor_belongs_to_its_order() -> None:
    """Taken to the other order it would show the wrong half."""
    cursor = MessageCursor(7, "newest")

    assert MessageCursor.decode(cursor.encode(), order="newest") == cursor
    with pytest.raises(RequestError) as raised:
        MessageCursor.decode(cursor.encode(), order="oldest")
    assert (raised.value.status, raised.value.code) == (422, "invalid_cursor")


SESSION = "9b2b2b7e-7d0c-4a3e-8f0e-2f6d1c1d8a11"


def sealed(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "=",
        "a",
        "ä",
        "!!!!",
        "\0",
        sealed("s.1"),
        sealed(f"s.-1.{SESSION}"),
        sealed(f"s.999999999999999999999.{SESSION}"),
        sealed(f"s.1.{SESSION}\n"),
        sealed("s.1.' OR 1=1"),
        sealed("m.0x1.oldest"),
        sealed("m.99999999999.oldest"),
        MessageCursor(1, "oldest").encode()[:-2],
        base64.urlsafe_b64encode(b"\xff\xfe").decode(),
    ],
)
@pytest.mark.parametrize("decode", [SessionCursor.decode, lambda text: MessageCursor.decode(text, order="oldest")])
def test_what_is_no_cursor_is_refused(text: str, decode: object) -> None:
    """With the same 422, whatever is wrong with it."""
    with pytest.raises(RequestError) as raised:
        decode(text)  # type: ignore[operator]  # one of the two above
    assert (raised.value.status, raised.value.code) == (422, "invalid_cursor")
