"""`GET /v1/usage`: what keys have used, and what they have left."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Protocol
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel

from gateway.keys import MICRO, Bill, StoredKey
from gateway.plans import QUOTA, Used
from libs.auth.http import AUTH_RESPONSES, credential_of
from libs.contracts.plans import Period, Plan
from libs.contracts.values import KeyGrant, Principal
from libs.service.problems import Problem

_ANSWERS: dict[int | str, dict[str, Any]] = {
    **AUTH_RESPONSES,
    429: {"model": Problem, "description": "Too many requests"},
    503: {"model": Problem, "description": "Something we need does not answer; ask again after `Retry-After`"},
}


class StoredKeys(Protocol):
    """What history has stored of keys, read with the caller's own token or key."""

    async def keys(self, *, authorization: str, is_key: bool) -> list[StoredKey]: ...


class Counts(Protocol):
    """`gateway.plans.Plans`."""

    async def look(self, key: KeyGrant) -> Used: ...

    def plan_of(self, key: KeyGrant) -> Plan: ...


class QuotaOfKey(BaseModel):
    """Requests of a day, week or month of the calendar (UTC)."""

    limit: int
    period: Period
    remaining: int
    resets_in_seconds: float


class RateOfKey(BaseModel):
    """Requests a second on average, at once, and how many more at this moment."""

    per_second: float
    burst: int
    remaining: int


class UsageOfKey(BaseModel):
    """A key: what its plan leaves it, what its answers used this month, and what of its budget is left.

    `requests` are those of the quota's period, of this month without a quota; the answers are those that are stored.
    """

    key_id: UUID
    name: str
    plan: str
    requests: int
    rate: RateOfKey
    quota: QuotaOfKey | None
    month: Bill
    monthly_budget_usd: float | None
    budget_left_usd: float | None


class UsageOfKeys(BaseModel):
    """All keys of an account, or the one that asked."""

    items: list[UsageOfKey]


def usage_router(keys: StoredKeys, plans: Counts, *, principal: Callable[..., Awaitable[Principal]]) -> APIRouter:
    """Usage.

    Args:
        keys: tells what there is, and only to whom it belongs.
        plans: tells what was asked.
        principal: the dependency that says who calls, or answers 401.
    """
    router = APIRouter(tags=["keys"], responses=_ANSWERS)

    @router.get("/v1/usage")
    async def usage(request: Request, caller: Annotated[Principal, Depends(principal)]) -> UsageOfKeys:
        """What the caller's keys have used, and what is left: requests, tokens, money. A key sees itself alone."""
        authorization = f"Bearer {credential_of(request.headers.getlist)}"
        stored = await keys.keys(authorization=authorization, is_key=caller.key is not None)
        return UsageOfKeys(items=[await _of(key) for key in stored])

    async def _of(stored: StoredKey) -> UsageOfKey:
        key = stored.grant()
        plan, used = plans.plan_of(key), await plans.look(key)
        left = None if key.budget_micro_usd is None else max(key.budget_micro_usd - key.spent_micro_usd, 0) / MICRO
        return UsageOfKey(
            key_id=stored.id,
            name=stored.name,
            plan=plan.name,
            requests=used.requests,
            rate=RateOfKey(per_second=plan.rate, burst=plan.burst, remaining=used.standings[0].remaining),
            quota=_quota(plan, used),
            month=stored.usage,
            monthly_budget_usd=stored.monthly_budget_usd,
            budget_left_usd=left,
        )

    return router


def _quota(plan: Plan, used: Used) -> QuotaOfKey | None:
    standing = next((one for one in used.standings if one.policy.name == QUOTA), None)
    if plan.quota is None or standing is None:
        return None
    return QuotaOfKey(
        limit=plan.quota.limit,
        period=plan.quota.period,
        remaining=standing.remaining,
        resets_in_seconds=round(standing.reset_seconds, 3),
    )
