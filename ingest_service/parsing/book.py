"""EPUB: the chapters of a book, in the order of its spine."""

import posixpath
import re
from pathlib import Path

from ingest_service.parsing import web
from ingest_service.parsing.archive import Archive, opened, within
from ingest_service.parsing.parsed import TextBuilder, UnreadableError
from ingest_service.parsing.plain import decode

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_OPF = "{http://www.idpf.org/2007/opf}"
_TITLE = "{http://purl.org/dc/elements/1.1/}title"
_PAGES = {"application/xhtml+xml", "text/html"}
_CLOSED = re.compile(
    r"<(title|script|style|a|p|div|span|i|b|em|strong|h[1-6]|td|th|li|ul|ol|section|textarea|iframe)\b([^<>]*)/>",
    re.IGNORECASE,
)
"""An empty element as XML may write it; to HTML it is one that never ends."""


def parse(path: Path, text: TextBuilder) -> None:
    """Headings are the chapters' own; the title is the book's.

    Raises:
        UnreadableError: `damaged_file`, `unpacks_too_large`, or `password_needed` for a book with copy protection.
    """
    with opened(path, what="EPUB") as archive:
        root = next(archive.xml(_CONTAINER).iter("{*}rootfile")).get("full-path", "")
        package = archive.xml(root)
        text.title = next((title.text for title in package.iter(_TITLE) if title.text), None)
        folder = posixpath.dirname(root)
        items = {
            item.get("id"): within(folder, item.get("href", ""))
            for item in package.iter(f"{_OPF}item")
            if item.get("media-type") in _PAGES and "nav" not in (item.get("properties") or "").split()
        }
        spine = [items[ref.get("idref")] for ref in package.iter(f"{_OPF}itemref") if ref.get("idref") in items]
        _refuse_protected(archive, spine)
        for name in spine:
            # A page that the book names and lacks costs only itself.
            if name in archive:
                text.outline(())
                web.write(_CLOSED.sub(r"<\1\2></\1>", decode(archive.read(name))), text, whole=True)


def _refuse_protected(archive: Archive, spine: list[str]) -> None:
    if _ENCRYPTION not in archive:
        return
    # Fonts are often the only things that are encrypted.
    hidden = {reference.get("URI") for reference in archive.xml(_ENCRYPTION).iter("{*}CipherReference")}
    if not hidden.isdisjoint(spine):
        raise UnreadableError("password_needed", "This book has copy protection: we cannot read it.")
