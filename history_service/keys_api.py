"""`/v1/keys`: accounts make API keys for their programs, and revoke them."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from history_service.keys import PostgresKeyRing, Wanted
from history_service.routing import PrincipalOf, Responses, found, meant_uuid, router_of
from history_service.text import folded
from libs.auth.http import require_group
from libs.auth.keys import Scope, new_key
from libs.contracts.plans import PlanSettings
from libs.contracts.values import Principal
from libs.errors import RequestError, not_found
from libs.service.problems import Problem

NAME_LIMIT = 100
BUDGET_MAX_USD = 1_000_000
DAYS_MAX = 3_650
MICRO = 1_000_000

_NO_KEY: Responses = {404: {"model": Problem, "description": "The caller has no such key"}}
_TOO_MANY: Responses = {409: {"model": Problem, "description": "The account has too many keys"}}


def _visible(name: str) -> str:
    folded_name = folded(name)
    if not folded_name:
        raise ValueError("a name has at least one visible character")
    return folded_name


class NewKeyRequest(BaseModel):
    """A key that is wanted."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=NAME_LIMIT), AfterValidator(_visible)]
    plan: Annotated[
        str | None, Field(max_length=32, description="How often it may ask; the first plan unless given")
    ] = None
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=4, description="What it may do")] = ["chat"]
    monthly_budget_usd: Annotated[
        float | None,
        Field(
            ge=0,
            le=BUDGET_MAX_USD,
            description="What its answers may cost in a calendar month (UTC); no bound unless given",
        ),
    ] = None
    expires_in_days: Annotated[
        int | None, Field(ge=1, le=DAYS_MAX, description="How long it is valid; for ever unless given")
    ] = None


class KeyUsage(BaseModel):
    """What the answers to a key's questions used in a calendar month (UTC)."""

    month: str
    answers: int
    input_tokens: int
    output_tokens: int
    cost_usd: float


class Key(BaseModel):
    """A key, without its secret: `hint` is how that begins."""

    id: UUID
    name: str
    hint: str
    plan: str
    scopes: list[str]
    monthly_budget_usd: float | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    usage: KeyUsage


class MadeKey(Key):
    """A new key; `secret` is shown this once."""

    secret: str


class CurrentKey(Key):
    """The key that was sent, and whose it is."""

    user_id: UUID


class KeyPage(BaseModel):
    """Keys, latest first, all of them: `next_cursor` is null."""

    items: list[Key]
    next_cursor: str | None = None


def keys_router(
    keys: PostgresKeyRing, plans: PlanSettings, *, principal: PrincipalOf, anybody: PrincipalOf
) -> APIRouter:
    """Keys.

    Args:
        keys: the store.
        plans: which there are.
        principal: the dependency that says who calls, and lets no key in: a key that could make keys could not be
            revoked.
        anybody: the same, which lets every key in.
    """
    router = router_of("keys", prefix="/v1/keys")
    Caller = Annotated[Principal, Depends(principal)]  # noqa: N806 - a type
    Anybody = Annotated[Principal, Depends(anybody)]  # noqa: N806 - a type

    @router.post("", status_code=201, responses=_TOO_MANY)
    async def make_key(wanted: NewKeyRequest, caller: Caller) -> MadeKey:
        """Make a key; the answer has its secret, which nobody can show again."""
        if caller.is_guest:
            raise RequestError("Sign in first: guests have no account.", status=403, code="forbidden")
        made = new_key()
        row = await keys.create(caller.user_id, _wanted(wanted, caller, plans), made)
        return MadeKey(**_shown(row), secret=made.secret)

    @router.get("")
    async def list_keys(caller: Caller) -> KeyPage:
        """The caller's keys, with those that were valid in the last 31 days."""
        return KeyPage(items=[Key(**_shown(row)) for row in await keys.list(caller.user_id)])

    @router.get("/current", responses=_NO_KEY)
    async def current_key(caller: Anybody) -> CurrentKey:
        """The key that this request was sent with; 404 when it was sent with a token."""
        if caller.key is None:
            raise not_found("key")
        row = found(await keys.read(caller.user_id, caller.key.key_id), "key")
        return CurrentKey(**_shown(row), user_id=caller.user_id)

    @router.delete("/{key_id}", status_code=204, responses=_NO_KEY)
    async def revoke_key(key_id: str, caller: Caller) -> None:
        """Revoke a key: within a second nobody is let in with it."""
        if not await keys.revoke(caller.user_id, meant_uuid(key_id, "key")):
            raise not_found("key")

    return router


def _wanted(wanted: NewKeyRequest, caller: Principal, plans: PlanSettings) -> Wanted:
    plan = plans.plans[0] if wanted.plan is None else plans.plan(wanted.plan)
    if plan is None:
        names = ", ".join(f"`{one.name}`" for one in plans.plans)
        raise RequestError(f"There is no such plan; there are {names}.", status=422, code="unknown_plan")
    if plan.group is not None:
        require_group(caller, plan.group)
    budget = None if wanted.monthly_budget_usd is None else round(wanted.monthly_budget_usd * MICRO)
    return Wanted(wanted.name, plan.name, tuple(dict.fromkeys(wanted.scopes)), budget, wanted.expires_in_days)


def _shown(row: Any) -> dict[str, Any]:
    budget = row["budget_micro_usd"]
    usage = {name: row[name] for name in ("month", "answers", "input_tokens", "output_tokens")}
    return {
        "id": row["key_id"],
        "monthly_budget_usd": None if budget is None else budget / MICRO,
        "usage": KeyUsage(**usage, cost_usd=row["cost_micro_usd"] / MICRO),
        **{name: row[name] for name in ("name", "hint", "plan", "scopes", "created_at", "expires_at", "revoked_at")},
    }
