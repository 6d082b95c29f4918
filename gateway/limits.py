"""What one client may use up of a gateway."""

import time
from collections import Counter
from collections.abc import Callable


class SocketCount:
    """How many sockets there are, in all and by address.

    Args:
        total: of this process.
        per_address: of one client address.
    """

    def __init__(self, *, total: int, per_address: int) -> None:
        self._total = total
        self._per_address = per_address
        self._by_address: Counter[str] = Counter()
        self.open = 0

    def enter(self, address: str) -> bool:
        """Whether one more is allowed; if so it counts until `leave`."""
        if self.open >= self._total or self._by_address[address] >= self._per_address:
            return False
        self.open += 1
        self._by_address[address] += 1
        return True

    def leave(self, address: str) -> None:
        """A socket that was let in is gone."""
        self.open -= 1
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]


class TokenBucket:
    """So many at once, so many a second on average.

    Args:
        rate: tokens a second.
        burst: tokens at most.
        now: seconds of a clock that never goes back.
    """

    def __init__(self, *, rate: float, burst: int, now: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._burst = burst
        self._now = now
        self._tokens = float(burst)
        self._at = now()

    def take(self) -> bool:
        """Whether there was a token left."""
        now = self._now()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
