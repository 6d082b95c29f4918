"""What users and models wrote, made fit for storing."""

import hashlib
import re

TITLE_MAX_CHARACTERS = 80
"""What fits on a line of a list of sessions."""

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_UNSEEN = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")
"""White space, control characters, and the marks that hide or turn text around."""


def storable(text: str) -> str:
    """The text as PostgreSQL can hold it: a NUL and half a surrogate pair each become a replacement character."""
    if text.isascii():
        return text.replace("\x00", _REPLACEMENT)
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return whole.replace("\x00", _REPLACEMENT)


def storable_json(value: object) -> object:
    """The JSON value with every text in it storable."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(key): storable_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [storable_json(item) for item in value]
    return value


def digest_of(text: str) -> str:
    """Hex SHA-256 of the text in UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()


def folded(text: str) -> str:
    """The text on one line: what cannot be seen becomes one space, none at the ends."""
    return _UNSEEN.sub(" ", storable(text)).strip()


def title_of(question: str) -> str:
    """A session's first title: the question's first line, cut after a word, at most `TITLE_MAX_CHARACTERS`."""
    lines = (folded(line) for line in question.splitlines())
    line = next((line for line in lines if line), "")
    if len(line) <= TITLE_MAX_CHARACTERS:
        return line or "…"
    cut = line[:TITLE_MAX_CHARACTERS]  # one more than is kept, to see whether a word ends right there
    head, _, _ = cut.rpartition(" ")
    # A single long word, or a language without spaces, is cut where it is.
    return f"{(head or cut[:-1]).rstrip()}…"
