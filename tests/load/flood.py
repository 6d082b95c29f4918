"""Whether one person's flood delays another: `python -m tests.load.flood`.

Everything runs on this machine. A light user asks now and then, first alone, then beside somebody who asks a hundred
times as often over several sockets, each question in a session of its own. Prints the light user's added time to the
first text of both, and what became of the flood.
"""

import argparse
import asyncio
import shutil
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter
from uuid import uuid4

import msgspec
import uvloop

from tests.bench.load import Script
from tests.bench.sides import Side, eloquent, fake_model
from tests.bench.wire import Wire, open_wire

SCRIPT = Script(first_token=0.3, between=0.02, tokens=50)
LIGHT_SECONDS = 2.5
"""Between two questions of the light user: an answer takes half of it."""
TIMES = 100
SOCKETS = 10
WARM_UP = 3
MILLI = 1000
OPEN_DOOR = {
    "GATEWAY_GUEST_QUESTIONS_PER_MINUTE": "1000000",
    "GATEWAY_GUEST_TURNS": "1000",
    "GATEWAY_MAX_REQUESTS_PER_SOCKET": "1000",
}
AS_SET = {"GATEWAY_GUEST_QUESTIONS_PER_MINUTE": "60"}
"""Of a signed-in user; here everybody is a guest, and the light one shall not meet a limit."""


@dataclass
class Person:
    """One principal over one socket.

    Attributes:
        token: theirs.
        outcomes: how their questions ended.
        added_seconds: to the first text, of each answer.
    """

    token: str
    outcomes: Counter[str] = field(default_factory=Counter)
    added_seconds: list[float] = field(default_factory=list)
    _sent: dict[str, float] = field(default_factory=dict)

    def ask(self, wire: Wire) -> None:
        """One question, in a session of its own."""
        name = uuid4().hex
        part = {"type": "text", "text": f"How long does a transfer take? My case is {name}."}
        frame = {
            "type": "send",
            "requestId": name,
            "id": name,
            "headers": {"authorization": f"Bearer {self.token}"},
            "messages": [{"id": name, "role": "user", "parts": [part]}],
        }
        self._sent[name] = perf_counter()
        self.outcomes["asked"] += 1
        wire.send(msgspec.json.encode(frame))

    def hear(self, message: bytes | None) -> None:
        """What came over the socket."""
        if message is None:
            self.outcomes["sockets closed"] += 1
            return
        frame = msgspec.json.decode(message)
        if frame["type"] == "chunk" and frame["chunk"]["type"] == "text-delta":
            sent = self._sent.pop(frame["requestId"], None)
            if sent is not None:
                self.added_seconds.append(perf_counter() - sent - SCRIPT.first_token)
        elif frame["type"] in {"end", "error"}:
            self.outcomes["answered" if frame["type"] == "end" else "refused"] += 1


async def measure(side: Side, questions: int) -> None:
    """Print the light user's figures alone and beside the flood."""
    light, heavy = Person(side.tokens[0]), Person(side.tokens[1])
    await _ask_now_and_then(side, light, WARM_UP)
    light.added_seconds.clear()
    await _ask_now_and_then(side, light, questions)
    alone = light.added_seconds
    light.added_seconds = []
    flood = asyncio.create_task(_flood(side, heavy))
    await asyncio.sleep(LIGHT_SECONDS)
    await _ask_now_and_then(side, light, questions)
    flood.cancel()
    await asyncio.wait([flood])
    _say(f"  light user alone             {_figures(alone)}\n")
    _say(f"  light user beside the flood  {_figures(light.added_seconds)}\n")
    _say(f"  the flood: {dict(heavy.outcomes)}; the light user: {dict(light.outcomes)}\n")


async def _ask_now_and_then(side: Side, person: Person, questions: int) -> None:
    wire = await open_wire(side.url)
    wire.on_text = person.hear
    for _ in range(questions):
        person.ask(wire)
        await asyncio.sleep(LIGHT_SECONDS)
    wire.on_text = lambda _: None
    wire.close()


async def _flood(side: Side, person: Person) -> None:
    async with asyncio.TaskGroup() as tasks:
        for _ in range(SOCKETS):
            tasks.create_task(_flood_one(side, person))


async def _flood_one(side: Side, person: Person) -> None:
    wire = await open_wire(side.url)
    wire.on_text = person.hear
    try:
        while True:
            person.ask(wire)
            await asyncio.sleep(LIGHT_SECONDS / TIMES * SOCKETS)
    finally:
        wire.on_text = lambda _: None
        wire.close()


def _figures(seconds: list[float]) -> str:
    found = sorted(seconds)
    if not found:
        return "no answer at all"
    p95 = found[min(len(found) - 1, int(len(found) * 0.95))]
    return f"p50 {median(found) * MILLI:.1f} ms, p95 {p95 * MILLI:.1f} ms, {len(found)} chats"


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


async def run(questions: int, *, compare: bool) -> None:
    """Start everything, measure, and leave nothing behind."""
    doors = {"limits as they are": AS_SET, **({"without limits": OPEN_DOOR} if compare else {})}
    for name, settings in doors.items():
        folder = Path(tempfile.mkdtemp(prefix="eloquent-load-"))
        folder.chmod(0o711)
        _say(f"{name}:\n")
        try:
            async with (
                fake_model(SCRIPT, folder) as (model_url, _),
                eloquent(model_url, 2, folder, settings=settings) as side,
            ):
                # As in the benchmark: uvloop, in a thread of its own.
                await asyncio.to_thread(_measure_fast, side, questions)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _measure_fast(side: Side, questions: int) -> None:
    uvloop.run(measure(side, questions))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A light user beside a flood")
    parser.add_argument("--questions", type=int, default=20, help="of the light user in each phase, at most 100")
    parser.add_argument("--compare", action="store_true", help="also with the limits opened wide")
    options = parser.parse_args()
    if not 1 <= options.questions <= 100:
        parser.error("--questions must be 1 to 100")
    asyncio.run(run(options.questions, compare=options.compare))
