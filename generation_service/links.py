"""Takes the life out of links, images and HTML in an answer while it streams (see ADR 18).

What a reader's Markdown would turn into a link, an image or an element becomes text. An address stays only where it
stands, whole and to the letter, in a passage that was given; of any other the beginning stays, with a `…`.

The rules for what is a link are those of CommonMark 0.31 and of GFM's autolinks, read generously: escapes and entities
count as what they stand for, and code is treated like text, since renderers differ about where code ends.
"""

import html
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from libs.contracts.values import Passage

ADDRESS_MAX_CHARACTERS = 2_048
"""A longer address is none that a passage has; it is not held back any further."""

_GAP = "…"
_TAIL_CHARACTERS = 96  # the longest local part of a mail address, and the longest scheme, behind an `@` or a `:`

_URL = r"A-Za-z0-9\-._~:/?#@!$&'()*+,;=%\\"
_DOMAIN = r"A-Za-z0-9\-_.\\"
_NOT_AT_THE_END = ".,;:!?'*_~)\\"

_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{0,31});")
_ENTITY_BEGUN = re.compile(r"&(?:#(?:[0-9]{0,7}|[xX][0-9a-fA-F]{0,6})|[A-Za-z][A-Za-z0-9]{0,31})?")

# Where an address may begin: the colon of `https://`, the dot of `www.`, the at sign of a mail address.
_OPENING = re.compile(r"[:@]|(?:\A|(?<=[wW\\]))\.")
_SLASHES = re.compile(r":\\?/\\?/")
_SLASHES_BEGUN = re.compile(r":\\?(?:/\\?)?")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*$")
_WWW = re.compile(r"(?i:www)\\?$")
_LOCAL_PART = re.compile(r"[A-Za-z0-9\-._+\\]+$")
_REST_OF_URL = re.compile(rf"[{_URL}]*")
_REST_OF_DOMAIN = re.compile(rf"[{_DOMAIN}]*")

# In a passage; looked for only where a word begins, so that long words cost no more than others.
_ADDRESS = re.compile(
    rf"(?<![A-Za-z0-9\-._+])(?:[A-Za-z][A-Za-z0-9+.\-]*://[{_URL}]+|www\.[{_URL}]+|[A-Za-z0-9\-._+]+@[{_DOMAIN}]+)"
)
_MARKS_OF_ADDRESSES = ("://", "www.", "@")
# `](` makes a link or an image, `]:` a definition that makes others, `<x` an element or an autolink.
_JOINT = re.compile(r"(?<=\])(?=[(:])|(?<=<)(?=[A-Za-z/!?])")


class _Opening(NamedTuple):
    """Where an address was found to begin: what was let out of it already, and how it goes on."""

    before: str
    mark_end: int
    rest: re.Pattern[str]


class LinkFilter:
    """Pieces of an answer in, in whatever way it is cut; text without links out.

    Held back is only what may yet become an entity or an address, until that is decided.

    Args:
        passages: what the model was given; addresses in them may stand in the answer.
    """

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._known = frozenset(_addresses(passages))
        self._entity = ""
        self._address = ""
        # The end of what was let out, before joints were parted.
        self._tail = ""
        # While the rest of an address that is too long goes by.
        self._skipping: re.Pattern[str] | None = None

    def feed(self, piece: str) -> str:
        """What can be said after this piece."""
        return self._through(piece, final=False)

    def finish(self) -> str:
        """What was held back: the answer ended here."""
        return self._through("", final=True)

    def _through(self, piece: str, *, final: bool) -> str:
        last = self._tail[-1:]
        text = self._without_addresses(self._without_entities(piece, final=final), final=final)
        if not text:
            return ""
        return _JOINT.sub(" ", last + text)[len(last) :]

    def _without_entities(self, piece: str, *, final: bool) -> str:
        if not self._entity and "&" not in piece:
            return piece
        text, self._entity = self._entity + piece, ""
        out: list[str] = []
        while (at := text.find("&")) >= 0:
            out.append(text[:at])
            text = text[at:]
            entity = _ENTITY.match(text)
            if entity is None and not final and _ENTITY_BEGUN.fullmatch(text):
                self._entity = text
                return "".join(out)
            meant = html.unescape(entity[0]) if entity else ""
            if entity is None or meant == entity[0]:
                out.append("&")
                text = text[1:]
            else:
                # Looked at again: what an entity stands for may be the beginning of another.
                text = meant + text[entity.end() :]
        out.append(text)
        return "".join(out)

    def _without_addresses(self, piece: str, *, final: bool) -> str:
        text, self._address = self._address + piece, ""
        out: list[str] = []
        while text:
            text = self._take(text, out, final=final)
        return "".join(out)

    def _take(self, text: str, out: list[str], *, final: bool) -> str:
        """Move a plain stretch, or an address or its beginning, from `text` to `out`; the rest is returned."""
        if self._skipping is not None:
            text = text[_end(self._skipping, text, 0) :]
            self._skipping = None if text else self._skipping
            return text
        found = _OPENING.search(text)
        if found is None:
            self._let_out(text, out)
            return ""
        self._let_out(text[: found.start()], out)
        text = text[found.start() :]
        if not final and _SLASHES_BEGUN.fullmatch(text):
            self._address = text
            return ""
        opening = self._opening(text)
        if opening is None:
            self._let_out(text[0], out)
            return text[1:]
        return self._take_address(text, opening, out, final=final)

    def _opening(self, text: str) -> _Opening | None:
        if text[0] == ":":
            slashes, scheme = _SLASHES.match(text), _SCHEME.search(self._tail)
            return _Opening(scheme[0] if scheme else "", slashes.end(), _REST_OF_URL) if slashes else None
        if text[0] == ".":
            www = _WWW.search(self._tail)
            return _Opening(www[0], 1, _REST_OF_URL) if www else None
        local_part = _LOCAL_PART.search(self._tail)
        return _Opening(local_part[0], 1, _REST_OF_DOMAIN) if local_part else None

    def _take_address(self, text: str, opening: _Opening, out: list[str], *, final: bool) -> str:
        end = _end(opening.rest, text, opening.mark_end)
        if end > ADDRESS_MAX_CHARACTERS:
            self._let_out(_GAP, out)
            self._skipping = opening.rest
            return text[end:]
        if end == len(text) and not final:
            self._address = text
            return ""
        address = text[:end].rstrip(_NOT_AT_THE_END)
        behind = text[end : end + 1]
        is_mail = text[0] == "@"
        if len(address) <= opening.mark_end and (is_mail or not behind or behind.isspace()):
            # Nothing follows that could be a name.
            self._let_out(text[0], out)
            return text[1:]
        if is_mail and "." not in address:
            self._let_out(text[0], out)
            return text[1:]
        if opening.before + address in self._known:
            # Parted from what follows, which some renderers would take for more of the address.
            self._let_out(text[:end] + ("" if is_mail or not behind or behind in " \t\r\n" else " "), out)
            return text[end:]
        self._let_out("@" + _GAP if is_mail else _GAP, out)
        return text[len(address) :] if len(address) > opening.mark_end else text[end:]

    def _let_out(self, text: str, out: list[str]) -> None:
        if text:
            out.append(text)
            self._tail = (self._tail + text)[-_TAIL_CHARACTERS:]


def _end(rest: re.Pattern[str], text: str, start: int) -> int:
    found = rest.match(text, start)
    return found.end() if found else start


def _addresses(passages: Iterable[Passage]) -> Iterator[str]:
    for passage in passages:
        for text in (passage.text, passage.title):
            if any(mark in text for mark in _MARKS_OF_ADDRESSES):
                yield from (found.rstrip(_NOT_AT_THE_END) for found in _ADDRESS.findall(text))
