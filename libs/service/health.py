"""Probes: `/healthz` says the process should live, `/readyz` that it may take traffic, and what is missing."""

import asyncio
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel

from libs.errors import EloquentError

Check = Callable[[], Awaitable[object]]
"""Returns when the dependency answers, raises when it does not."""

CHECK_TIMEOUT_SECONDS = 0.9
"""`/readyz` answers within a second, or a load balancer gives up on it."""


class Readiness(BaseModel):
    """`ready`, and per dependency `ok` or what is wrong with it."""

    ready: bool
    checks: dict[str, str]


class Health:
    """What a process needs (checks) and what must not die in it (pulses).

    Args:
        checks: by the name of the dependency.
        pulses: by name; False means the process is beyond repair and should be restarted.
    """

    def __init__(
        self, checks: dict[str, Check] | None = None, pulses: dict[str, Callable[[], bool]] | None = None
    ) -> None:
        self.checks = checks or {}
        self.pulses = pulses or {}

    async def readiness(self) -> Readiness:
        """All checks at once, each within `CHECK_TIMEOUT_SECONDS`."""
        results = await asyncio.gather(*(self._outcome(check) for check in self.checks.values()))
        checks = dict(zip(self.checks, results, strict=True))
        return Readiness(ready=all(outcome == "ok" for outcome in results), checks=checks)

    async def _outcome(self, check: Check) -> str:
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_SECONDS):
                await check()
        except TimeoutError:
            return "no answer in time"
        except EloquentError as error:
            return str(error)
        except Exception as error:  # noqa: BLE001 - whatever a dependency raises, the probe reports it
            # Its type alone: a vendor's message may hold addresses and names.
            return type(error).__name__
        return "ok"


def health_router(health: Health, *, shows_metrics: bool = True) -> APIRouter:
    """`/healthz`, `/readyz` and, unless strangers could read them there, `/metrics`."""
    router = APIRouter(tags=["operations"])

    @router.get("/healthz", responses={503: {"model": Readiness}})
    async def healthz(response: Response) -> Readiness:
        """Alive: every task that must run is running."""
        checks = {name: "ok" if pulse() else "dead" for name, pulse in health.pulses.items()}
        alive = all(state == "ok" for state in checks.values())
        response.status_code = 200 if alive else 503
        return Readiness(ready=alive, checks=checks)

    @router.get("/readyz", responses={503: {"model": Readiness}})
    async def readyz(response: Response) -> Readiness:
        """Ready: every dependency answers."""
        readiness = await health.readiness()
        response.status_code = 200 if readiness.ready else 503
        return readiness

    if not shows_metrics:
        return router

    @router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    async def metrics() -> Response:
        """Prometheus metrics of this process."""
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router
