"""What idle sockets cost a gateway: `python -m tests.load.idle_sockets`.

Everything runs on this machine. Opens so many sockets at one gateway process, each with a valid token, and prints the
process's memory per socket, and the added time to the first text of one other chat without and with them.
"""

import argparse
import asyncio
import resource
import shutil
import sys
import tempfile
from pathlib import Path
from statistics import median

import msgspec
import uvloop

from tests.bench.load import Load, Script, Seen
from tests.bench.sides import Side, eloquent, fake_model
from tests.bench.usage import Usage
from tests.bench.wire import Wire, open_wire

SCRIPT = Script(first_token=0.05, between=0.01, tokens=20)
AT_ONCE = 50
SPARE_FILES = 1_000
SETTLE_SECONDS = 30.0
"""Longer than a ping takes to come round: what sockets cost while nobody says a word is part of it."""
SOCKETS_MAX = 15_000
PATIENCE_SECONDS = 60.0
KIBIBYTE = 1024
MILLI = 1000


async def measure(side: Side, sockets: int, seconds: float) -> None:
    """Print memory and latency, without and with the sockets."""
    gateway = Usage({"gateway": side.pids["gateway"]})
    await _latencies(side, 3.0)
    without = await _latencies(side, seconds)
    before = gateway.memory_bytes()["gateway"]
    idle = Idle(side)
    await idle.open(sockets)
    await asyncio.sleep(SETTLE_SECONDS)
    after = gateway.memory_bytes()["gateway"]
    cpu = gateway.cpu_seconds()["gateway"]
    await asyncio.sleep(SETTLE_SECONDS)
    cpu = (gateway.cpu_seconds()["gateway"] - cpu) / SETTLE_SECONDS
    within = await _latencies(side, seconds)
    lost = idle.lost
    idle.close()
    if lost:
        raise RuntimeError(f"{lost} sockets were closed by the gateway")
    _say(f"{sockets} idle sockets: {(after - before) / sockets / KIBIBYTE:.1f} KiB each in the gateway, ")
    _say(f"which has {before / KIBIBYTE**2:.0f} MiB without them; {cpu * 100:.1f} % of a core for their pings\n")
    for name, seen in (("without", without), ("with", within)):
        _say(f"one chat's added time to the first text {name:8} {_figures(seen)}\n")


class Idle:
    """Sockets that have shown a token and say nothing more.

    Attributes:
        lost: how many the gateway has closed.
    """

    def __init__(self, side: Side) -> None:
        self._url = side.url
        # A token is checked before the session's name is, which is none: nothing else is asked for.
        self._frames = [_frame(token) for token in side.tokens]
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._wires: list[Wire] = []
        self.lost = 0

    async def open(self, count: int) -> None:
        """They are let in, each of them."""
        await asyncio.gather(*(self._one(number) for number in range(count)))

    def close(self) -> None:
        """Hang up."""
        for wire in self._wires:
            wire.on_text = lambda _: None
            wire.close()

    async def _one(self, number: int) -> None:
        async with self._turn, asyncio.timeout(PATIENCE_SECONDS):
            wire = await open_wire(self._url)
            answered: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
            wire.on_text = answered.set_result
            wire.send(self._frames[number % len(self._frames)])
            text = await answered
            if text is None or b"session id" not in text:
                raise RuntimeError(f"a socket was not let in: {text!r}")
            wire.on_text = self._hear
            self._wires.append(wire)

    def _hear(self, text: bytes | None) -> None:
        self.lost += text is None


async def _latencies(side: Side, seconds: float) -> list[float]:
    load = Load(side.url, side.tokens[:1], SCRIPT)
    seen = load.open_window = Seen()
    running = asyncio.create_task(load.run())
    await asyncio.sleep(seconds)
    load.stop()
    await running
    if seen.failures:
        raise RuntimeError(f"chats failed: {seen.failures[:3]}")
    return sorted(seen.added_seconds)


def _frame(token: str) -> bytes:
    headers = {"authorization": f"Bearer {token}"}
    return msgspec.json.encode({"type": "resume", "requestId": "r", "id": "?", "headers": headers})


def _figures(seen: list[float]) -> str:
    p95 = seen[min(len(seen) - 1, int(len(seen) * 0.95))]
    return f"p50 {median(seen) * MILLI:.1f} ms, p95 {p95 * MILLI:.1f} ms, {len(seen)} chats"


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


async def run(sockets: int, seconds: float) -> None:
    """Start everything, measure, and leave nothing behind."""
    _raise_file_limit(sockets)
    folder = Path(tempfile.mkdtemp(prefix="eloquent-load-"))
    folder.chmod(0o711)
    try:
        async with fake_model(SCRIPT, folder) as (model_url, _), eloquent(model_url, 20, folder) as side:
            # uvloop makes the cheaper client, but cannot start PostgreSQL as another user: it has a thread of its own.
            await asyncio.to_thread(lambda: uvloop.run(measure(side, sockets, seconds)))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _raise_file_limit(sockets: int) -> None:
    # The services inherit it: the gateway needs as many as we do.
    wanted = sockets + SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise SystemExit(f"{sockets} sockets need {wanted} open files, and the limit is {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Memory and latency with idle sockets")
    parser.add_argument("--sockets", type=int, default=10_000, help=f"at most {SOCKETS_MAX}")
    parser.add_argument("--seconds", type=float, default=15.0, help="of each latency measurement")
    options = parser.parse_args()
    if not 1 <= options.sockets <= SOCKETS_MAX:
        parser.error(f"--sockets must be 1 to {SOCKETS_MAX}")
    asyncio.run(run(options.sockets, options.seconds))
