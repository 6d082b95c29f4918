"""What a file is, by its bytes; what its sender calls it decides only between kinds of plain text."""

from pathlib import Path

from ingest_service.parsing.parsed import UnreadableError

PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
HTML = "text/html"
MARKDOWN = "text/markdown"
PLAIN = "text/plain"

SUPPORTED = "Send text, Markdown, HTML, PDF or DOCX."
ENDS_BYTES = 64 * 1024
"""How much of either end is looked at: names inside a ZIP stand in both."""

_MARKDOWN_SUFFIXES = {".md", ".markdown", ".mdown", ".mkd"}
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_OTHER_CONTROLS = bytes(set(range(0x20)) - set(b"\t\n\r\x0c\x1b"))
STRAY_SHARE = 0.005
"""Control characters that real text may have: pages of the web have some, programs and pictures are full of them."""


def sniff(path: Path, file_name: str) -> str:
    """The media type of a file, one of the five we read.

    Raises:
        UnreadableError: `empty_file`, or `unsupported_media_type` with what to send instead.
    """
    head, tail = _ends(path)
    if not head.strip():
        raise UnreadableError("empty_file", "This file is empty.")
    if b"%PDF-" in head[:1024]:
        return PDF
    if head.startswith(b"PK\x03\x04"):
        return _in_zip(head + tail)
    if head.startswith(_OLE):
        raise _unsupported("This is an old or password-protected Office file: save it as DOCX without a password.")
    if head.startswith(b"{\\rtf"):
        raise _unsupported("This is RTF: save it as DOCX.")
    return _of_text(head, Path(file_name).suffix.lower())


def _ends(path: Path) -> tuple[bytes, bytes]:
    with path.open("rb") as file:
        head = file.read(ENDS_BYTES)
        file.seek(max(0, path.stat().st_size - ENDS_BYTES))
        return head, file.read(ENDS_BYTES)


def _in_zip(ends: bytes) -> str:
    if b"word/document" in ends:
        return DOCX
    raise _unsupported("This is an archive or an Office file of a kind we do not read.")


def _of_text(head: bytes, suffix: str) -> str:
    if not head.startswith((b"\xff\xfe", b"\xfe\xff")) and not _looks_like_text(head):
        raise _unsupported("We do not know this kind of file.")
    start = head.replace(b"\x00", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html")) or b"<html" in start[:1024]:
        return HTML
    if start.startswith(b"<?xml"):
        raise _unsupported("This is XML.")
    if start.startswith(b"<") and suffix in {".html", ".htm"}:
        return HTML
    return MARKDOWN if suffix in _MARKDOWN_SUFFIXES else PLAIN


def _looks_like_text(head: bytes) -> bool:
    if b"\x00" in head:
        return False
    return len(head) - len(head.translate(None, _OTHER_CONTROLS)) <= STRAY_SHARE * len(head)


def _unsupported(what: str) -> UnreadableError:
    return UnreadableError("unsupported_media_type", f"{what} {SUPPORTED}")
