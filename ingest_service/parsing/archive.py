"""Files that are ZIP archives of XML: Office documents and books. What would hurt is refused before it is unpacked."""

import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from lxml import etree

from ingest_service.parsing.parsed import UnreadableError

UNPACKED_MAX_BYTES = 256 * 1024 * 1024
PART_MAX_BYTES = 64 * 1024 * 1024
"""A part is a tree in memory while it is read, about ten times its size."""
PARTS_MAX = 10_000
_RELATIONSHIPS = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
_ENCRYPTED = 0x1
_MARKUP = (".xml", ".rels", ".xhtml", ".html", ".htm", ".opf")


class Archive:
    """An archive that was opened; names are the parts' full paths."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._names = set(archive.namelist())

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def read(self, name: str) -> bytes:
        """A part's bytes.

        Raises:
            KeyError, BadZipFile: there is no such part, or not as the directory says.
        """
        return self._archive.read(name)

    def xml(self, name: str) -> etree._Element:
        """The root of a part; entities stay what they are, nothing is fetched."""
        parser = etree.XMLParser(
            resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
        )
        return etree.fromstring(self.read(name), parser)

    def related(self, name: str) -> dict[str, tuple[str, str]]:
        """What an Office part refers to: by id the kind, a single word, and the name of the other part."""
        folder, file = posixpath.split(name)
        relations = posixpath.join(folder, "_rels", f"{file}.rels")
        if relations not in self:
            return {}
        return {
            item.get("Id", ""): (item.get("Type", "").rpartition("/")[2], within(folder, item.get("Target", "")))
            for item in self.xml(relations).iter(_RELATIONSHIPS)
            if item.get("TargetMode") != "External"
        }

    def main_part(self) -> str:
        """The part of an Office file that the others hang on.

        Raises:
            KeyError: there is none.
        """
        return next(target for kind, target in self.related("").values() if kind == "officeDocument")


@contextmanager
def opened(path: Path, *, what: str) -> Iterator[Archive]:
    """The archive; whatever turns out to be broken inside the block is `damaged_file`.

    Args:
        path: the file.
        what: its format, as people call it.

    Raises:
        UnreadableError: `damaged_file`, `password_needed`, or `unpacks_too_large` before anything is unpacked.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check(archive, what)
            yield Archive(archive)
    except (
        *(zipfile.BadZipFile, zlib.error, etree.XMLSyntaxError, EOFError, OSError),
        *(LookupError, ValueError, StopIteration, NotImplementedError, RuntimeError),
    ) as error:
        if isinstance(error, RecursionError):
            raise
        raise UnreadableError("damaged_file", f"This {what} file is damaged: open and save it again.") from error


def within(folder: str, target: str) -> str:
    """The name of the part that a reference from a part in `folder` means."""
    path = unquote(urlsplit(target).path)
    return posixpath.normpath(posixpath.join(folder, path)).lstrip("/") if path else ""


def _check(archive: zipfile.ZipFile, what: str) -> None:
    parts = archive.infolist()
    unpacked = sum(part.file_size for part in parts)
    largest = max((part.file_size for part in parts if part.filename.endswith(_MARKUP)), default=0)
    if len(parts) > PARTS_MAX or unpacked > UNPACKED_MAX_BYTES or largest > PART_MAX_BYTES:
        raise UnreadableError("unpacks_too_large", f"This {what} unpacks to far more than a document needs: split it.")
    if any(part.flag_bits & _ENCRYPTED for part in parts):
        raise UnreadableError("password_needed", f"This {what} needs a password: save it without one.")
