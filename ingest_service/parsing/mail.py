"""EML: who wrote what to whom and when, what they wrote, and what was attached."""

from collections.abc import Iterator
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from pathlib import Path

from ingest_service.parsing import web
from ingest_service.parsing.parsed import TextBuilder, UnreadableError, clean
from ingest_service.parsing.plain import decode, paragraphs

_SHOWN = ("From", "To", "Cc", "Date")
DEPTH_MAX = 30
PARTS_MAX = 1_000
HEADER_MAX_CHARACTERS = 1_000


def parse(path: Path, text: TextBuilder) -> None:
    """The subject is title and heading; of two forms of a body the plain one is read; attachments are named.

    Raises:
        UnreadableError: `too_demanding` for what no mail program makes.
    """
    # The older of the two policies: the newer one raises for headers that real mails have.
    _write(message_from_bytes(path.read_bytes()), text, depth=1)


def _write(mail: Message, text: TextBuilder, *, depth: int) -> None:
    subject = _header(mail, "Subject")
    if depth == 1:
        text.title = subject or None
    text.heading(depth, subject or "Mail")
    text.block("\n".join(f"{name}: {shown}" for name in _SHOWN if (shown := _header(mail, name))))
    attached: list[str] = []
    for part in _parts(mail, depth=depth):
        if part.get_content_type() == "message/rfc822" and part.is_multipart():
            _write(_children(part)[0], text, depth=depth + 1)
        elif _is_body(part):
            _write_body(part, text)
        else:
            attached.append(_name(part))
    text.block(f"Attachments: {', '.join(attached)}" if attached else "")


def _parts(mail: Message, *, depth: int) -> Iterator[Message]:
    """The leaves, and mails within the mail, in order; of alternatives the first that can be read."""
    stack = [(mail, depth)]
    for _ in range(PARTS_MAX):
        if not stack:
            return
        part, deep = stack.pop()
        if deep > DEPTH_MAX:
            break
        if part.get_content_maintype() != "multipart" or not part.is_multipart():
            yield part
            continue
        children = _children(part)
        if part.get_content_type() == "multipart/alternative":
            children = sorted(children, key=_rank)[:1]
        stack += [(child, deep + 1) for child in reversed(children)]
    if stack:
        raise UnreadableError(
            "too_demanding", "This mail has more parts in parts than we read: forward its text alone."
        )


def _children(part: Message) -> list[Message]:
    payload = part.get_payload()
    return [child for child in payload if isinstance(child, Message)] if isinstance(payload, list) else []


def _rank(part: Message) -> int:
    if part.get_content_type() == "text/plain" and _decoded(part).strip():
        return 0
    return 1 if part.get_content_type() == "text/html" or part.is_multipart() else 2


def _is_body(part: Message) -> bool:
    is_text = part.get_content_type() in {"text/plain", "text/html"}
    return is_text and part.get_content_disposition() != "attachment"


def _write_body(part: Message, text: TextBuilder) -> None:
    if part.get_content_type() == "text/html":
        web.write(_decoded(part), text)
        return
    for paragraph in paragraphs(_decoded(part)):
        text.block(paragraph)


def _decoded(part: Message) -> str:
    raw = part.get_payload(decode=True)
    if not isinstance(raw, bytes):
        return ""
    try:
        return raw.decode(part.get_content_charset() or "utf-8")
    except (LookupError, ValueError):
        return decode(raw)


def _header(mail: Message, name: str) -> str:
    value = mail.get(name)
    return "" if value is None else _readable(str(value))


def _readable(value: str) -> str:
    try:
        parts = [
            part.decode(charset or "ascii", errors="replace") if isinstance(part, bytes) else part
            for part, charset in decode_header(value[:HEADER_MAX_CHARACTERS])
        ]
    except (HeaderParseError, LookupError, ValueError):
        parts = [value[:HEADER_MAX_CHARACTERS]]
    return " ".join(clean("".join(parts)).split())


def _name(part: Message) -> str:
    return _readable(part.get_filename() or "") or f"({part.get_content_type()})"
