"""Tries are few, patient, and never longer than allowed."""

import pytest

from libs.errors import PermanentError, TransientError
from libs.llm.retries import RetryPolicy, retrying

QUICK = RetryPolicy(tries=3, base_seconds=0.0)


class Flaky:
    """Fails as told, then works."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    async def __call__(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


async def test_what_passes_is_tried_again() -> None:
    """Two failures and a success are a success."""
    work = Flaky(TransientError("one"), TransientError("two"))

    assert await retrying(work, QUICK) == "done"
    assert work.calls == 3


async def test_tries_come_to_an_end() -> None:
    """The last failure is raised."""
    work = Flaky(*(TransientError(str(n)) for n in range(5)))

    with pytest.raises(TransientError, match="2"):
        await retrying(work, QUICK)
    assert work.calls == 3


async def test_a_refusal_is_not_tried_again() -> None:
    """It would be refused again."""
    work = Flaky(PermanentError("no"))

    with pytest.raises(PermanentError):
        await retrying(work, QUICK)
    assert work.calls == 1


def test_waits_grow_and_stay_bounded() -> None:
    """Each wait is around twice the one before, up to the limit."""
    policy = RetryPolicy(tries=20, base_seconds=1.0, max_seconds=8.0)
    waits = [policy.wait_seconds(failures, TransientError("x")) or 0.0 for failures in range(1, 19)]

    assert 0.5 <= waits[0] <= 1.5
    assert 1.0 <= waits[1] <= 3.0
    assert all(4.0 <= wait <= 12.0 for wait in waits[3:])


def test_a_wait_that_is_asked_for_is_kept() -> None:
    """Never shorter; if it is longer than a worker should hold an entry, the call fails at once."""
    policy = RetryPolicy(tries=3, base_seconds=0.1, retry_after_max_seconds=10.0)

    wait = policy.wait_seconds(1, TransientError("x", retry_after_seconds=7.0))

    assert wait is not None
    assert wait >= 7.0
    assert policy.wait_seconds(1, TransientError("x", retry_after_seconds=11.0)) is None
