"""Limits on guessing and on mass production, in memory: they matter while an attack lasts."""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from deploy.local.identity.errors import refusal
from libs.clock import Clock

FREE_FAILURES = 5
LOCK_MAX_SECONDS = 900.0
"""Cognito's lockout: from the fifth failure on one second, doubled by each further one up to about 15 minutes."""

KEYS_MAX = 10_000
"""Names remembered; each costs an attacker one password check to push out."""


@dataclass
class _Failures:
    count: int = 0
    locked_until: float = 0.0


class Lockout:
    """Locks a name for longer and longer while wrong passwords are tried on it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures: OrderedDict[str, _Failures] = OrderedDict()
        self._one_at_a_time = threading.Lock()

    @contextmanager
    def attempt(self, name: str) -> Iterator[None]:
        """An attempt on this name: leaving by an exception counts as a failure.

        Attempts come one after the other, so that parallel ones cannot all start before the first has failed; it also
        keeps password hashing to one thread and its 19 MiB.

        Raises:
            RequestError: NotAuthorizedException while the name is locked.
        """
        with self._one_at_a_time:
            failures = self._failures.get(name) or _Failures()
            now = self._clock().timestamp()
            if now < failures.locked_until:
                raise refusal("NotAuthorizedException", "Password attempts exceeded")
            try:
                yield
            except BaseException:
                failures.count += 1
                if failures.count >= FREE_FAILURES:
                    seconds = min(2.0 ** min(failures.count - FREE_FAILURES, 16), LOCK_MAX_SECONDS)
                    failures.locked_until = now + seconds
                self._failures[name] = failures
                self._failures.move_to_end(name)
                if len(self._failures) > KEYS_MAX:
                    self._failures.popitem(last=False)
                raise
            self._failures.pop(name, None)


class Quota:
    """So many per name and time, no more."""

    def __init__(self, most: int, *, per_seconds: float, clock: Clock) -> None:
        self._most = most
        self._per_seconds = per_seconds
        self._clock = clock
        self._used: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, name: str) -> bool:
        """Whether there was one left for this name; the time begins with the first one taken."""
        now = self._clock().timestamp()
        with self._lock:
            since, count = self._used.get(name, (now, 0))
            if now >= since + self._per_seconds:
                since, count = now, 0
            if count >= self._most:
                return False
            self._used[name] = (since, count + 1)
            self._used.move_to_end(name)
            if len(self._used) > KEYS_MAX:
                self._used.popitem(last=False)
            return True
