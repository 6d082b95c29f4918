"""What one client may use up of a gateway."""

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

REMEMBERED_MAX = 20_000


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

    @property
    def tokens(self) -> float:
        """How many there are."""
        now = self._now()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        return self._tokens

    def take(self) -> bool:
        """Whether there was a token left."""
        if self.tokens < 1:
            return False
        self._tokens -= 1
        return True


class Recently(Generic[K, V]):
    """What was found a moment ago, so that a flood does not make anybody look again; what is too old is dropped.

    Args:
        now: seconds of a clock that never goes back.
        most: how many are remembered; the oldest makes room.
    """

    def __init__(self, *, now: Callable[[], float] = time.monotonic, most: int = REMEMBERED_MAX) -> None:
        self._now = now
        self._most = most
        self._found: OrderedDict[K, tuple[float, V]] = OrderedDict()

    def get(self, key: K) -> V | None:
        """What was found, unless it is too old."""
        until, value = self._found.get(key, (0.0, None))
        return value if value is not None and self._now() < until else None

    def put(self, key: K, value: V, *, seconds: float) -> None:
        """Remember it for so long."""
        now = self._now()
        self._found[key] = (now + seconds, value)
        self._found.move_to_end(key)
        while len(self._found) > self._most or next(iter(self._found.values()))[0] < now:
            self._found.popitem(last=False)

    def forget(self, key: K) -> None:
        """It is so no longer."""
        self._found.pop(key, None)
