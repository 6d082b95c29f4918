"""Probes cost a check a second, however often they are asked for."""

import asyncio

import pytest

from gateway.readiness import remembered
from libs.errors import TransientError
from libs.service.health import Check, Health
from tests.unit.gateway.test_limits import Watch


class Dependency:
    """Counts who asks; away until it is said to be back."""

    def __init__(self, *, away: bool = False) -> None:
        self.away = away
        self.asked = 0
        self.answering = asyncio.Event()
        self.answering.set()

    async def check(self) -> None:
        self.asked += 1
        await self.answering.wait()
        if self.away:
            raise TransientError("it is away")


async def test_an_answer_holds_for_a_second() -> None:
    """Then the dependency is asked again."""
    dependency, watch = Dependency(), Watch()
    check = remembered(dependency.check, seconds=1, now=watch)

    for seconds, asked in [(0, 1), (0.9, 1), (0.1, 2)]:
        watch.seconds += seconds
        await check()
        assert dependency.asked == asked


async def test_what_is_missing_is_said_to_everybody_who_asks() -> None:
    """A remembered failure is a failure."""
    dependency, watch = Dependency(away=True), Watch()
    check = remembered(dependency.check, seconds=1, now=watch)
    for _ in range(3):
        with pytest.raises(TransientError, match="it is away"):
            await check()
    assert dependency.asked == 1

    dependency.away = False
    watch.seconds += 1
    await check()


async def test_many_who_ask_at_once_cost_one_check() -> None:
    """A slow dependency is not asked a thousand times."""
    dependency = Dependency()
    dependency.answering.clear()
    check = remembered(dependency.check)
    asking = asyncio.gather(*(check() for _ in range(50)))
    await asyncio.sleep(0)
    dependency.answering.set()
    await asking

    assert dependency.asked == 1


async def test_readiness_names_what_is_missing() -> None:
    """In our own words; what others say may hold names and addresses."""

    async def vendor() -> None:
        raise ConnectionError("10.1.2.3 refused eloquent:secret")

    checks: dict[str, Check] = {"ours": Dependency(away=True).check, "theirs": vendor, "well": Dependency().check}
    readiness = await Health(checks=checks).readiness()

    assert not readiness.ready
    assert readiness.checks == {"ours": "it is away", "theirs": "ConnectionError", "well": "ok"}
