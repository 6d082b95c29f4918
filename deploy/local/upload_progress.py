"""What a person sees while files are sent and indexed: one line that changes, and a summary."""

import sys
import time
from collections.abc import Mapping
from typing import Any, TextIO

BAR_CHARACTERS = 24
REDRAW_SECONDS = 0.1
FINAL = frozenset({"searchable", "failed"})


class Progress:
    """Counts files and bytes, and shows them; on no terminal only what ends is printed.

    Args:
        sizes: bytes of every file, by name.
        out: where to show it.
    """

    def __init__(self, sizes: Mapping[str, int], out: TextIO = sys.stderr) -> None:
        self._sizes = sizes
        self._out = out
        self._sent = 0
        self._drawn_at = 0.0
        self._news_at = time.monotonic()
        self._names: dict[str, str] = {}
        self._documents: dict[str, Mapping[str, Any]] = {}
        self.refused: dict[str, str] = {}
        self.known = 0

    def sent(self, count: int) -> None:
        """So many more bytes are on their way."""
        self._sent += count
        self._draw()

    def accepted(self, name: str, document: Mapping[str, Any]) -> None:
        """The service has the file."""
        self._names[document["id"]] = name
        if document["status"] == "searchable":
            self.known += 1
        self.changed(self._documents.get(document["id"], document))

    def refuse(self, name: str, reason: str) -> None:
        """The service did not take the file."""
        self.refused[name] = reason
        self._draw()

    def changed(self, document: Mapping[str, Any]) -> None:
        """News of a document, ours or another of the caller's."""
        before = self._documents.get(document["id"])
        self._news_at = time.monotonic()
        if before is None or before["updated_at"] <= document["updated_at"]:
            self._documents[document["id"]] = document
        self._draw()

    @property
    def waiting(self) -> list[str]:
        """The ids of what was accepted and has not ended."""
        return [one for one in self._names if self._documents[one]["status"] not in FINAL]

    @property
    def still_seconds(self) -> float:
        """Since the latest news."""
        return time.monotonic() - self._news_at

    def summary(self) -> str:
        """How it ended, with the reason for every file that questions do not find."""
        ended = {name: self._documents[one] for one, name in self._names.items()}
        failed = {name: one["failure"]["message"] for name, one in ended.items() if one["failure"] is not None}
        good = sum(one["status"] == "searchable" for one in ended.values())
        lines = [
            f"{good} of {len(self._sizes)} files are searchable" + (f", {self.known} were before" * bool(self.known))
        ]
        lines += [f"  {name}: {reason}" for name, reason in sorted({**self.refused, **failed}.items())]
        return "\n".join(lines)

    def erase(self) -> None:
        """Make room for other output."""
        if self._out.isatty():
            self._out.write("\r\x1b[K")
            self._out.flush()

    def _draw(self) -> None:
        now = time.monotonic()
        if not self._out.isatty() or now - self._drawn_at < REDRAW_SECONDS:
            return
        self._drawn_at = now
        self._out.write(f"\r\x1b[K{self.line()}")
        self._out.flush()

    def line(self) -> str:
        """How far it is: sending is a fifth of the bar, for indexing takes longer."""
        total = max(1, sum(self._sizes.values()))
        ours = [self._documents[one] for one in self._names]
        done = sum(_share(one) for one in ours) + len(self.refused)
        sent = min(1.0, self._sent / total)
        share = 0.2 * sent + 0.8 * done / max(1, len(self._sizes))
        bar = ("#" * round(share * BAR_CHARACTERS)).ljust(BAR_CHARACTERS, "-")
        left = max((one["progress"]["seconds_left"] or 0 for one in ours), default=0)
        searchable = sum(one["status"] == "searchable" for one in ours)
        parts = [f"[{bar}] {sent:.0%} sent", f"{searchable} of {len(self._sizes)} searchable"]
        parts += [f"{len(self.refused)} refused"] if self.refused else []
        parts += [f"{left:.0f} s left for the slowest"] if left else []
        return ", ".join(parts)


def _share(document: Mapping[str, Any]) -> float:
    if document["status"] in FINAL:
        return 1.0
    progress = document["progress"]
    return 0.9 * progress["done"] / progress["total"] if progress["total"] else 0.0
