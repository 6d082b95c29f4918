"""Load over time: shapes that hurt, and what was recorded, as questions a minute in a file."""

import csv
import math
import random
from collections.abc import Callable, Iterator
from pathlib import Path

MINUTE = 60
HOUR = 3600

Shape = Callable[[float], float]
"""Questions a second, at a moment."""


def office_day(moment: float) -> float:
    """From 3 to 60 questions a second and back within four hours, with a dip in the middle."""
    hill = math.sin(math.pi * min(moment, 4 * HOUR) / (4 * HOUR)) ** 2
    noon = 0.5 * math.exp(-(((moment - 2 * HOUR) / (15 * MINUTE)) ** 2))
    return 3 + 57 * hill * (1 - noon)


def bursts(moment: float) -> float:
    """20 a second, and every half an hour for five minutes five times as many."""
    return 100 if moment % (30 * MINUTE) >= 25 * MINUTE else 20


def launch(moment: float) -> float:
    """10 a second, and from one moment to the next 100, which stay."""
    return 100 if moment >= 10 * MINUTE else 10


def steady(_moment: float) -> float:
    """60 a second: nothing should happen once there are enough tasks."""
    return 60


SHAPES: dict[str, tuple[Shape, int]] = {
    "office day": (office_day, 4 * HOUR),
    "bursts": (bursts, 90 * MINUTE),
    "launch": (launch, 90 * MINUTE),
    "steady": (steady, 90 * MINUTE),
}
"""With their length in seconds."""


def arrivals(shape: Shape, seconds: int, *, seed: int = 1) -> Iterator[float]:
    """Moments at which questions come: as many as the shape says, each by chance."""
    chance = random.Random(seed)  # noqa: S311 - a simulation that can be repeated
    for second in range(seconds):
        expected = shape(second)
        count = max(0, round(chance.gauss(expected, math.sqrt(expected))))
        yield from sorted(second + chance.random() for _ in range(count))


def recorded(file: Path) -> tuple[Shape, int]:
    """A load that was recorded: a line for each minute, its last column the questions of that minute.

    CloudWatch exports `chat_questions_total` so (sum, period of a minute); a heading is skipped.
    """
    with file.open(newline="") as rows:
        last = [row[-1].strip() for row in csv.reader(rows) if row]
    minutes = [float(one) for one in last if one.replace(".", "", 1).isdigit()]
    return lambda moment: minutes[int(moment // MINUTE)] / MINUTE, len(minutes) * MINUTE
