"""Connections that are reset under us, and a bus that breaks: neither goes unnoticed."""

import asyncio
from collections.abc import Sequence

import pytest
import uvloop
from redis.asyncio import Redis

from libs.bus.bus import Bus
from libs.bus.connection import connect
from libs.bus.outcome import Outcome, Reply
from libs.bus.scripts import HOP, Script
from libs.config import RedisSettings
from libs.contracts.events import QuestionAsked
from tests.builders import a_question


def test_a_connection_that_was_reset_is_made_anew(redis_url: str) -> None:
    """Also in words of uvloop, on which the services run: its transports raise a RuntimeError of their own."""

    async def ask_over_a_lost_connection() -> bool:
        async with connect(redis_url) as client, client.client() as one:
            await one.ping()
            assert one.connection is not None
            writer = one.connection._writer
            assert writer is not None
            writer.transport.abort()
            return bool(await one.ping())

    assert uvloop.run(ask_over_a_lost_connection())


class Broken:
    """A step with a bug."""

    @property
    def script(self) -> Script:
        return HOP

    def keys(self, partition: int) -> Sequence[str]:
        raise LookupError("a bug")

    def args(self, partition: int) -> Sequence[str | bytes | int]:
        return ()

    async def refused(self, reply: Reply) -> Outcome | None:
        return None


async def test_a_broken_bus_stops_its_process(redis_url: str, redis: Redis) -> None:
    """The server around it would live on and answer nobody; whoever runs the process starts it again."""
    told: list[bool] = []
    bus = Bus(RedisSettings(redis_url=redis_url), redis, group="history", on_death=lambda: told.append(True))

    @bus.on(QuestionAsked, concurrency=1)
    async def handle(_: QuestionAsked) -> Outcome:
        return Outcome(None, Broken())

    async def serve() -> None:
        async with bus, asyncio.timeout(10):
            await bus.publish(a_question())
            await asyncio.Event().wait()

    with pytest.raises(ExceptionGroup, match="unhandled errors"):
        await serve()

    assert told
