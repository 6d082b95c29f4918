"""What a file is, by its bytes; what its sender calls it decides only between kinds of plain text."""

import io
import json
import re
import zipfile
from pathlib import Path

from ingest_service.parsing.parsed import UnreadableError

_OFFICE = "application/vnd.openxmlformats-officedocument"
PDF = "application/pdf"
DOCX = f"{_OFFICE}.wordprocessingml.document"
PPTX = f"{_OFFICE}.presentationml.presentation"
XLSX = f"{_OFFICE}.spreadsheetml.sheet"
EPUB = "application/epub+zip"
EML = "message/rfc822"
JSON = "application/json"
JSON_LINES = "application/x-ndjson"
CSV = "text/csv"
HTML = "text/html"
MARKDOWN = "text/markdown"
PLAIN = "text/plain"

KINDS = "text, Markdown, HTML, PDF, DOCX, PPTX, XLSX, CSV, JSON, JSON lines, EML or EPUB"
SUPPORTED = f"Send {KINDS}."
ENDS_BYTES = 64 * 1024
"""How much of either end is looked at: names inside a ZIP stand in both."""
DIRECTORY_MAX_BYTES = 2 * 1024 * 1024
"""Of an archive whose parts are listed here; one with more parts is no document."""

_NAMES = {
    **dict.fromkeys([".md", ".markdown", ".mdown", ".mkd"], MARKDOWN),
    **dict.fromkeys([".html", ".htm", ".xhtml"], HTML),
    **dict.fromkeys([".csv", ".tsv"], CSV),
    **dict.fromkeys([".jsonl", ".ndjson"], JSON_LINES),
    ".json": JSON,
    ".eml": EML,
    ".pdf": PDF,
    ".docx": DOCX,
    ".pptx": PPTX,
    ".xlsx": XLSX,
    ".epub": EPUB,
    **dict.fromkeys([".txt", ".text", ".log"], PLAIN),
}
_CALLED = {
    PDF: "PDF",
    DOCX: "DOCX",
    PPTX: "PPTX",
    XLSX: "XLSX",
    EPUB: "EPUB",
    EML: "EML",
    JSON: "JSON",
    JSON_LINES: "JSON lines",
    CSV: "CSV",
    HTML: "HTML",
    MARKDOWN: "Markdown",
    PLAIN: "plain text",
}
MEDIA_TYPES = tuple(_CALLED)
"""All that a document may be."""
_BINARY = {PDF, DOCX, PPTX, XLSX, EPUB}
_MAIN_PARTS = {"word/": DOCX, "ppt/": PPTX, "xl/": XLSX}
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
_OTHERS = {
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"{\\rtf": "RTF: save it as DOCX",
    b"\x1f\x8b": "an archive: send what is in it",
    b"7z\xbc\xaf": "an archive: send what is in it",
    b"Rar!": "an archive: send what is in it",
}
_OTHER_CONTROLS = bytes(set(range(0x20)) - set(b"\t\n\r\x0c\x1b"))
STRAY_SHARE = 0.005
"""Control characters that real text may have: pages of the web have some, programs and pictures are full of them."""
_JSON = re.compile(rb'\s*(?:\{\s*(?:"(?:[^"\\\n]|\\.){0,500}"\s*:|\})|\[\s*(?:[\[\s]*\{\s*["}]|[\[\s]*(?:"|-?\d|\])))')
_MAIL_FIELD = re.compile(
    rb"(?:\A|\n)(From|Date|Message-ID|MIME-Version|Received|Return-Path|Subject|To):[ \t]", re.IGNORECASE
)
MAIL_FIELDS_MIN = 3
"""A note may begin with `Subject:`; a mail has more, and begins with them."""


def sniff(content: Path | bytes, file_name: str) -> str:
    """The media type of a file, one of those we read.

    Args:
        content: the file, or its bytes.
        file_name: as its owner calls it.

    Raises:
        UnreadableError: `empty_file`, `unsupported_media_type` with what to send instead, or `media_type_mismatch`
            when the name says that it is something else than it is.
    """
    head, tail = _ends(content)
    if not head.strip():
        raise UnreadableError("empty_file", "This file is empty.")
    named = _NAMES.get(Path(file_name).suffix.lower())
    found = _found(content, head, tail, named)
    if named is not None and not _agree(named, found):
        raise UnreadableError(
            "media_type_mismatch",
            f"The name says that this is {_CALLED[named]}, the content says {_CALLED[found]}: "
            "rename it, or send the file that was meant.",
        )
    return found


def _ends(content: Path | bytes) -> tuple[bytes, bytes]:
    if isinstance(content, bytes):
        return content[:ENDS_BYTES], content[-ENDS_BYTES:]
    with content.open("rb") as file:
        head = file.read(ENDS_BYTES)
        file.seek(max(0, content.stat().st_size - ENDS_BYTES))
        return head, file.read(ENDS_BYTES)


def _found(content: Path | bytes, head: bytes, tail: bytes, named: str | None) -> str:
    if b"%PDF-" in head[:1024]:
        return PDF
    if head.startswith(b"PK\x03\x04"):
        return _in_zip(content, head, tail)
    if head.startswith(_OLE):
        if _ENCRYPTED_PACKAGE in head + tail:
            raise UnreadableError("password_needed", "This Office file needs a password: save it without one.")
        raise _unsupported("This is an old Office file or an Outlook message: save it as DOCX, XLSX, PPTX or EML.")
    for magic, what in _OTHERS.items():
        if head.startswith(magic):
            raise _unsupported(f"This is {what}.")
    return _of_text(head, named, whole=len(head) < ENDS_BYTES)


def _in_zip(content: Path | bytes, head: bytes, tail: bytes) -> str:
    names = _part_names(content, tail)
    if names is None:
        # Cut off or damaged: what it was to be shows in its beginning, and its parser says that it is broken.
        names = {part.decode() for part in (b"META-INF/container.xml", *map(str.encode, _MAIN_PARTS)) if part in head}
        names |= {"[Content_Types].xml"} if b"[Content_Types].xml" in head else set()
    if "META-INF/container.xml" in names:
        return EPUB
    if "[Content_Types].xml" in names:
        for folder, media_type in _MAIN_PARTS.items():
            if any(name.startswith(folder) for name in names):
                return media_type
    raise _unsupported("This is an archive, or an Office file of a kind we do not read: send what is in it.")


def _part_names(content: Path | bytes, tail: bytes) -> set[str] | None:
    end = tail.rfind(b"PK\x05\x06")
    size = int.from_bytes(tail[end + 12 : end + 16], "little")
    if end < 0 or size > DIRECTORY_MAX_BYTES:
        return None
    try:
        with zipfile.ZipFile(io.BytesIO(content) if isinstance(content, bytes) else content) as archive:
            return set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return None


def _of_text(head: bytes, named: str | None, *, whole: bool) -> str:
    if not head.startswith((b"\xff\xfe", b"\xfe\xff")) and not _looks_like_text(head):
        raise _unsupported("We do not know this kind of file.")
    start = head.replace(b"\x00", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    lower = start[:1024].lower()
    if named not in {CSV, JSON, JSON_LINES, EML} or lower.startswith((b"<!doctype html", b"<html")):
        if lower.startswith(b"<!doctype html") or b"<html" in lower:
            return HTML
        if lower.startswith((b"<?xml", b"<rss", b"<feed", b"<svg")):
            raise _unsupported("This is XML.")
        if named == HTML and lower.startswith(b"<"):
            return HTML
    if named in {MARKDOWN, CSV}:
        return named
    return _of_structure(start, named, whole=whole)


def _of_structure(start: bytes, named: str | None, *, whole: bool) -> str:
    begins = _JSON.match(start) is not None
    if named in {JSON, JSON_LINES} and (begins or start[:1] in b'{["'):
        return named if named == JSON_LINES or not _is_lines(start, whole=whole) else JSON_LINES
    if begins and named is None:
        if _is_lines(start, whole=whole):
            return JSON_LINES
        if not whole or _is_json(start):
            return JSON
    fields = {field.lower() for field in _MAIL_FIELD.findall(start.replace(b"\r", b"").partition(b"\n\n")[0])}
    if len(fields) >= (1 if named == EML else MAIL_FIELDS_MIN) and re.match(rb"[!-9;-~]+:[ \t]", start):
        return EML
    return PLAIN


def _is_lines(start: bytes, *, whole: bool) -> bool:
    """Whether each of the lines that are here as a whole is an object."""
    lines = [line for line in start.split(b"\n") if line.strip()]
    lines = lines if whole else lines[:-1]
    return len(lines) > 1 and all(line.lstrip().startswith(b"{") for line in lines) and _is_json(lines[0])


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _looks_like_text(head: bytes) -> bool:
    if b"\x00" in head:
        return False
    return len(head) - len(head.translate(None, _OTHER_CONTROLS)) <= STRAY_SHARE * len(head)


def _agree(named: str, found: str) -> bool:
    """Whether a name may stand for such content: kinds of running text pass for each other, nothing else does."""
    if named == found:
        return True
    if {named, found} <= {JSON, JSON_LINES}:
        return True
    return {named, found} <= {PLAIN, MARKDOWN, HTML} or (named == PLAIN and found not in _BINARY)


def _unsupported(what: str) -> UnreadableError:
    return UnreadableError("unsupported_media_type", f"{what} {SUPPORTED}")
