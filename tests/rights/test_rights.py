"""Nobody is shown what they may not read, and everybody what they may; `python -m tests.rights` goes on for longer."""

from typing import Any

import pytest

from tests.rights.leaks import LEAKS
from tests.rights.walk import walk

SEED = 24
SHORT = ("a cache key without rights", "history by the rights of the first reading")


def test_what_is_shown_is_what_may_be_read(database_url: str, redis_url: str) -> None:
    """In answers, cached or not, in history, in lists of documents and of collections, after whatever was done."""
    assert walk(database_url, redis_url, walks=4, chance=SEED) > 50


@pytest.mark.parametrize("parts", [LEAKS[name] for name in SHORT], ids=SHORT)
def test_a_leak_is_found(database_url: str, redis_url: str, parts: dict[str, Any]) -> None:
    """The same walks, with a mistake in one place, end with a difference."""
    with pytest.raises(AssertionError):
        walk(database_url, redis_url, walks=200, chance=SEED, shrinks=False, **parts)
