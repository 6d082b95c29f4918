"""The probes say what is missing."""

import asyncio

import httpx
from redis.asyncio import Redis

from gateway.workers import PATH
from libs.bus.entry import stream_key
from libs.bus.upkeep import BEHIND_ALL
from tests.integration.gateway.conftest import Start
from tests.integration.gateway.servers import Api
from tests.polling import eventually


async def a_worker_reads(redis: Redis, *groups: str) -> None:
    """A worker of each of these groups, or of all, looks for work."""
    for event, group in PATH:
        if not groups or group in groups:
            key = stream_key(event.stream, 0)
            await redis.xgroup_create(key, group, id="0", mkstream=True)
            # As its heartbeat does: Redis before 7.2 takes no note of who waits for new entries and has had none.
            await redis.xreadgroup(group, f"{group}-1", {key: BEHIND_ALL}, count=1)


async def readiness(http: httpx.AsyncClient) -> tuple[int, dict[str, str]]:
    response = await http.get("/readyz")
    return response.status_code, response.json()["checks"]


async def test_ready_means_that_a_question_can_be_answered(http: httpx.AsyncClient, redis: Redis) -> None:
    """Redis, the issuer, history, and a worker of every stage."""
    await a_worker_reads(redis)

    assert await readiness(http) == (200, dict.fromkeys(["redis", "identity", "history", "workers"], "ok"))


async def test_missing_workers_are_named(http: httpx.AsyncClient, redis: Redis) -> None:
    """By their group, so that one knows what to start."""
    await a_worker_reads(redis, "history")
    status, checks = await readiness(http)

    assert status == 503
    assert checks["workers"] == "no worker of retrieval, generation was seen lately"


async def test_history_away_is_named(start: Start, redis: Redis) -> None:
    """So is one that is there and not ready."""
    await a_worker_reads(redis)
    async with start(history="http://127.0.0.1:9") as gateway, httpx.AsyncClient(base_url=gateway.url) as http:
        status, checks = await readiness(http)

    assert (status, checks["history"], checks["workers"]) == (503, "the history api does not answer", "ok")


async def test_history_that_is_not_ready_is_named_until_it_is(http: httpx.AsyncClient, redis: Redis, api: Api) -> None:
    """An answer holds for a second, not longer."""
    await a_worker_reads(redis)
    api.ready = False
    assert (await readiness(http))[1]["history"] == "the history api answers 503"

    api.ready = True

    async def ready() -> bool:
        return (await readiness(http))[0] == 200

    await eventually(ready)


async def test_a_flood_of_probes_costs_those_behind_little(http: httpx.AsyncClient, api: Api) -> None:
    """Anybody may ask; the API behind is asked once for all."""
    await asyncio.gather(*(readiness(http) for _ in range(50)))

    assert 1 <= len([request for request in api.received if request.path == "/readyz"]) <= 3


async def test_alive_says_that_frames_can_arrive(http: httpx.AsyncClient) -> None:
    """The one subscriber runs."""
    response = await http.get("/healthz")

    assert (response.status_code, response.json()["checks"]) == (200, {"subscriber": "ok"})
