"""No flaw of ours: what Redis keeps for hours and minutes is kept for seconds, so that a run can see it go."""

from gateway import asked, turns
from libs.answers import attempt, cancel, hops

LIVE_MILLISECONDS = 45_000
ENDED_MILLISECONDS = 3_000
REMEMBER_SECONDS = 5


def put_in() -> None:
    """The lives of logs, of places and of what was asked lately; those of the caches are settings."""
    for module in (attempt, cancel, hops, turns):
        vars(module)["LIVE_LOG_MILLISECONDS"] = LIVE_MILLISECONDS
    vars(hops)["ENDED_LOG_MILLISECONDS"] = ENDED_MILLISECONDS
    vars(asked)["REMEMBER_SECONDS"] = REMEMBER_SECONDS
