"""What many notice is said seldom, and its end is said when its beginning was."""

from typing import Any

from libs.telemetry.troubles import SAY_AGAIN_SECONDS, Trouble
from tests.polling import eventually


class Clock:
    """Stands still."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Lines:
    """A log that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, object]] = []

    def warning(self, message: str, **facts: Any) -> None:
        self.lines.append((message, facts.get("times")))

    def info(self, message: str) -> None:
        self.lines.append((message, None))


def a_trouble() -> tuple[Trouble, Clock, list[tuple[str, object]]]:
    lines, clock = Lines(), Clock()
    return Trouble(lines, begins="away", ends="back", now=clock), clock, lines.lines


def test_hundreds_who_notice_are_two_lines_in_eleven_seconds() -> None:
    """The first at once, the second with how often it was meanwhile."""
    trouble, clock, lines = a_trouble()
    for _ in range(11 * 20):
        trouble.noticed()
        clock.now += 0.05
    trouble.over()

    assert lines == [("away", 1), ("away", 200), ("back", None)]


def test_what_comes_and_goes_all_the_time_is_said_no_more_often() -> None:
    """One beginning and one end in ten seconds, however often it changes."""
    trouble, clock, lines = a_trouble()
    for _ in range(int(SAY_AGAIN_SECONDS) * 2):
        trouble.noticed()
        trouble.over()
        clock.now += 0.5
    trouble.noticed()

    assert lines == [("away", 1), ("back", None), ("away", 20)]


def test_what_nobody_can_see_the_end_of_ends_in_silence() -> None:
    """Not noticed for ten seconds, it is over."""
    trouble, clock, lines = a_trouble()
    trouble.noticed()
    clock.now += SAY_AGAIN_SECONDS / 2
    trouble.over_if_quiet()
    assert trouble.lasts
    clock.now += SAY_AGAIN_SECONDS / 2
    trouble.over_if_quiet()

    assert not trouble.lasts
    assert lines == [("away", 1), ("back", None)]


async def test_whoever_meets_it_in_passing_need_not_see_its_end() -> None:
    """A line for all of them, and one when nobody has met it for some time."""
    lines = Lines()
    trouble = Trouble(lines, begins="away", ends="back", say_again_seconds=0.05)
    for _ in range(100):
        trouble.noticed_in_passing()

    async def is_over() -> bool:
        return not trouble.lasts

    assert lines.lines == [("away", 1)]
    await eventually(is_over)
    assert lines.lines == [("away", 1), ("back", None)]
