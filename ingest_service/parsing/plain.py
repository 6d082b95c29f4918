"""Plain text, and the decoding of every format that is text."""

import codecs
import re
from pathlib import Path

from ingest_service.parsing.parsed import TextBuilder, UnreadableError, clean

_PARAGRAPHS = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")
_BYTE_ORDER_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
RARE_SHARE = 0.25
"""Western text in Windows-1252 has fewer accents than this; more means another encoding, which we do not guess."""
WHOLE_PER_BROKEN = 4
"""So many whole characters for each broken one, and it is UTF-8 that was damaged on its way."""


def parse(path: Path, text: TextBuilder) -> None:
    """One block a paragraph."""
    for paragraph in paragraphs(decode(path.read_bytes())):
        text.block(paragraph)


def paragraphs(text: str) -> list[str]:
    """What stands between blank lines."""
    return _PARAGRAPHS.split(clean(text))


def decode(raw: bytes) -> str:
    """The text of a file in UTF-8, UTF-16 with its mark, or Windows-1252, of which Latin-1 is a part.

    Raises:
        UnreadableError: `unknown_encoding`.
    """
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if raw.startswith(mark):
            return raw.decode(encoding, errors="replace")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return _guessed(raw)


def _guessed(raw: bytes) -> str:
    text = raw.decode("utf-8", errors="replace")
    broken = text.count("\ufffd")
    whole = sum(character > "\x7f" for character in text) - broken
    if whole >= WHOLE_PER_BROKEN * broken:
        return text
    rare = sum(byte > 0x7F for byte in raw)  # noqa: PLR2004 - above is not ASCII
    if rare <= RARE_SHARE * len(raw):
        western = raw.decode("cp1252", errors="replace")
        # Five bytes mean nothing in Windows-1252; text that is full of them is something else.
        if western.count("\ufffd") * WHOLE_PER_BROKEN <= rare:
            return western
    raise UnreadableError("unknown_encoding", "We cannot tell this file's character encoding: save it as UTF-8.")
