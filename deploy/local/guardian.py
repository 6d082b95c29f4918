"""Ends what a run started when the run itself is gone, however it went: a process of its own that outlives a kill -9.

It holds the reading end of a pipe, whose writing end the run alone has. Over it come lines `+<pid> <signal>` and
`-<pid>`; its end means that the run has ended, in whatever way. What is still listed then is ended, with all its
children.
"""

import os
import signal
import sys
import time
from collections.abc import Iterable
from contextlib import suppress

import psutil

GRACE_SECONDS = 8.0
"""Less than it takes a person to start again and find the ports taken."""
ORPHAN_SECONDS = 1.0
POLL_SECONDS = 0.05


def main() -> None:
    """Watch until the pipe ends, then end what is left."""
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.SIG_IGN)
    end_all(watch(sys.stdin))


def watch(lines: Iterable[str]) -> list[tuple[psutil.Process, int]]:
    """The processes that were listed and not struck out when the lines ended, each with its stop signal."""
    listed: dict[int, tuple[psutil.Process, int]] = {}
    for line in lines:
        pid, _, stop_signal = line[1:].strip().partition(" ")
        if line.startswith("+"):
            try:
                # Made now, it remembers when the process began: an id that is reused later is not taken for it.
                listed[int(pid)] = (psutil.Process(int(pid)), int(stop_signal))
            except psutil.NoSuchProcess:
                continue
        else:
            listed.pop(int(pid), None)
    return list(listed.values())


def end_all(listed: list[tuple[psutil.Process, int]]) -> None:
    """Asked first, killed when they have not left in time; their children and children's children too."""
    family = {relative for process, _ in listed for relative in _family(process)}
    for process, stop_signal in listed:
        _send(process, stop_signal)
    # They tell their children; who still lives after them was not told.
    _wait([process for process, _ in listed], GRACE_SECONDS)
    left = {relative for process in family if _lives(process) for relative in _family(process)}
    for process in left:
        _send(process, signal.SIGTERM)
    for process in _wait(left, ORPHAN_SECONDS):
        _send(process, signal.SIGKILL)
    for process, _ in listed:
        # Each leads a process group: this finds the children that were born after the family was counted.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


def _family(process: psutil.Process) -> list[psutil.Process]:
    try:
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _wait(processes: Iterable[psutil.Process], within_seconds: float) -> list[psutil.Process]:
    """Those that still live when all have gone or the time is up."""
    deadline = time.monotonic() + within_seconds
    while (living := [process for process in processes if _lives(process)]) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return living


def _lives(process: psutil.Process) -> bool:
    # Whoever inherited it may be slow to bury it: a zombie does nothing any more.
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _send(process: psutil.Process, number: int) -> None:
    with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        process.send_signal(number)


if __name__ == "__main__":
    main()
