"""No flaw of ours: a worker whose heartbeat does not say what it has lost, so that the log alone can stop it."""

from libs.bus.entry import Entry
from libs.bus.worker import Worker


def put_in() -> None:
    """Who wakes up writes on, and is refused: heartbeat and append would race to be the first to say it."""

    def unheard(self: Worker, entry: Entry) -> None:  # type: ignore[type-arg]
        return

    Worker.lose = unheard  # type: ignore[method-assign]
