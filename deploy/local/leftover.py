"""A PostgreSQL that outlived the run that started it, and the lock file it left."""

import asyncio
import signal
from pathlib import Path

import psutil


async def stop_leftover(data: Path) -> None:
    """Nobody uses this cluster, and no lock file of a dead or reused process id keeps the next server out."""
    lock = data / "postmaster.pid"
    try:
        pid = int(lock.read_text().split()[0])
    except (FileNotFoundError, IndexError, ValueError):
        return
    process = _postgres_of(data, pid)
    if process is None:
        # PostgreSQL takes any living process with this id for itself, however little it has to do with it.
        lock.unlink(missing_ok=True)
        return
    process.send_signal(signal.SIGINT)
    try:
        await asyncio.to_thread(process.wait, 5)
    except psutil.TimeoutExpired:
        process.send_signal(signal.SIGQUIT)
        await asyncio.to_thread(process.wait, 5)


def _postgres_of(data: Path, pid: int) -> psutil.Process | None:
    try:
        process = psutil.Process(pid)
        return process if Path(process.cwd()) == data else None
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None
