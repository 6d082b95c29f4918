"""A reader that takes what comes and never asks the log what is missing."""

from libs.answers.reader import LogEntry, Reading


def put_in() -> None:
    """Every frame follows every other, and a new subscription is no reason to look."""
    hear = Reading._hear

    def heedless(self: Reading, message: bytes | None) -> None:
        if message is not None:
            hear(self, message)

    def anything_follows(self: Reading, entry: LogEntry) -> bool:
        return True

    Reading._hear = heedless  # type: ignore[method-assign]
    Reading._follows = anything_follows  # type: ignore[method-assign]
