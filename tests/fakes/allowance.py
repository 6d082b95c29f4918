"""A vendor's rate limit: a bucket of tokens that fills up steadily."""

import time
from collections.abc import Sequence


def tokens_of(texts: Sequence[str]) -> int:
    """A word is a token here."""
    return sum(len(text.split()) for text in texts)


class Allowance:
    """What may be embedded right now."""

    def __init__(self) -> None:
        self.level: float | None = None
        self._at = time.monotonic()

    def wait_for(self, texts: Sequence[str], per_second: float, at_once: float) -> float:
        """0 when the texts are taken, else the seconds until they would be; the bucket holds `at_once` tokens."""
        now = time.monotonic()
        level = at_once if self.level is None else min(at_once, self.level + (now - self._at) * per_second)
        # What is larger than the bucket goes when that is full.
        wanted = min(float(tokens_of(texts)), at_once)
        self._at, self.level = now, level
        if wanted > level:
            return max(0.001, (wanted - level) / per_second)
        self.level = level - wanted
        return 0.0
