"""What processes use: CPU and memory, of each with all its descendants."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil


class Usage:
    """Reads the accounts of some processes.

    Args:
        pids: by name.
    """

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._processes = {name: psutil.Process(pid) for name, pid in pids.items()}

    def cpu_seconds(self) -> dict[str, float]:
        """User and system time so far, of descendants that have ended too."""
        return {name: sum(map(_cpu_seconds, _family(process))) for name, process in self._processes.items()}

    def memory_bytes(self) -> dict[str, int]:
        """Proportional set size: pages that several processes share are counted once in all."""
        return {name: sum(map(_pss_bytes, _family(process))) for name, process in self._processes.items()}


def machine_cpu_seconds() -> float:
    """What all processes of the machine have used so far."""
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system + times.irq + times.softirq)


def _family(process: psutil.Process) -> Iterator[psutil.Process]:
    yield process
    yield from process.children(recursive=True)


def _cpu_seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:  # its parent has it in its own account now
        return 0.0
    # The children's times are of those that have ended and were waited for.
    return float(times.user + times.system + times.children_user + times.children_system)


def _pss_bytes(process: psutil.Process) -> int:
    try:
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
