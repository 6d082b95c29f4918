"""When a stopping process says goodbye to whom."""

from itertools import accumulate

import pytest

from libs.service.drain import GOODBYES_PER_SECOND, pauses


@pytest.mark.parametrize(
    ("count", "most", "whole"), [(10_000, 5.0, 5.0), (GOODBYES_PER_SECOND, 5.0, 1.0), (1, 5.0, 0.01), (7, 0.0, 0.0)]
)
def test_goodbyes_are_spread_over_the_time_there_is(count: int, most: float, whole: float) -> None:
    """Each in its own share: never two heaps, never beyond the end; few sockets are quickly gone."""
    at = list(accumulate(pauses(count, most)))

    assert len(at) == count
    assert all(
        number * whole / count <= then * 1.001 <= (number + 1) * whole / count * 1.002 for number, then in enumerate(at)
    )


def test_two_processes_do_not_keep_step() -> None:
    """They may stop in the same moment."""
    assert list(pauses(100, 5.0)) != list(pauses(100, 5.0))


def test_no_sockets_need_no_time() -> None:
    """Nor a division by their number."""
    assert list(pauses(0, 5.0)) == []
