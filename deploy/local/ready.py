"""Waiting: for a server to answer, and for every service to say that it may take traffic."""

import asyncio
import time
from collections.abc import Collection, Mapping

import httpx
from redis.asyncio import Redis
from redis.exceptions import RedisError

from deploy.local.log_lines import Log
from deploy.local.processes import Kept
from deploy.local.program import Server

SERVER_SECONDS = 60.0
REDIS_SECONDS = 10.0
SERVICES_SECONDS = 180.0
"""A first start on a slow disk compiles everything; more than this is not slowness."""
POLL_SECONDS = 0.05
REMIND_SECONDS = 10.0
DEATHS = 5
"""In a row, while starting: what is wrong will not mend itself."""


class NotReadyError(Exception):
    """A part did not get ready; the message says which, and what it said last."""


async def wait_for_server(server: Server, kept: Kept) -> None:
    """The server, kept running by `kept`, answers.

    Raises:
        NotReadyError: it does not, and its log above says why.
    """
    try:
        async with asyncio.timeout(SERVER_SECONDS):
            while True:
                if await server.is_ready():
                    return
                _require_life([kept])
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError as error:
        raise NotReadyError(f"{kept.program.name} did not get ready within {SERVER_SECONDS:.0f} seconds") from error


async def wait_for_redis(url: str) -> None:
    """The Redis that the user named answers.

    Raises:
        NotReadyError: it does not; services would only say so by the dozen.
    """
    try:
        async with asyncio.timeout(REDIS_SECONDS), Redis.from_url(url) as client:
            await client.ping()
    except (RedisError, OSError, ValueError) as error:
        raise NotReadyError(f"the Redis of REDIS_URL does not answer ({type(error).__name__})") from error


async def wait_for_services(
    addresses: Mapping[str, str], http: httpx.AsyncClient, log: Log, *, kept: Collection[Kept]
) -> None:
    """Every service's `/readyz` is 200. A service that takes long is named, with what it waits for.

    Args:
        addresses: by the service's name.
        http: to ask with.
        log: where those are named that take long.
        kept: the services' processes.

    Raises:
        NotReadyError: some are not ready after `SERVICES_SECONDS`, or die as often as they are started.
    """
    waiting = dict.fromkeys(addresses, "not started")
    began = reminded = time.monotonic()
    while waiting:
        answers = await asyncio.gather(*(_state(http, addresses[name]) for name in waiting))
        waiting = {name: state for name, state in zip(waiting, answers, strict=True) if state is not None}
        _require_life(kept)
        now = time.monotonic()
        if waiting and now - began > SERVICES_SECONDS:
            raise NotReadyError(f"not ready: {_listed(waiting)}")
        if waiting and now - reminded > REMIND_SECONDS:
            reminded = now
            log.say(f"still waiting for {_listed(waiting)}")
        if waiting:
            await asyncio.sleep(POLL_SECONDS)


def _require_life(kept: Collection[Kept]) -> None:
    if dying := [one.program.name for one in kept if one.quick_deaths >= DEATHS]:
        raise NotReadyError(f"{', '.join(dying)} does not stay up; the log above says why")


async def _state(http: httpx.AsyncClient, address: str) -> str | None:
    try:
        response = await http.get(f"{address}/readyz", timeout=2.0)
    except httpx.HTTPError:
        return "starting"
    if response.is_success:
        return None
    try:
        checks = response.json()["checks"]
    except (ValueError, KeyError, TypeError):
        return f"status {response.status_code}"
    return ", ".join(f"{name} {state}" for name, state in checks.items() if state != "ok")


def _listed(waiting: Mapping[str, str]) -> str:
    return "; ".join(f"{name} ({state})" for name, state in waiting.items())
