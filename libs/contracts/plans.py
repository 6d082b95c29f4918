"""Plans of API keys: how often a program may ask. One declaration for the gateway and for API Gateway's usage plans."""

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_settings import NoDecode

from libs.config import Settings

Period = Literal["day", "week", "month"]
"""Of the calendar in UTC; a week begins on Monday."""


class Quota(BaseModel):
    """So many requests in a day, week or month."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    limit: Annotated[int, Field(ge=1)]
    period: Period = "month"


class Plan(BaseModel):
    """A usage plan, in API Gateway's terms: a token bucket, and a quota.

    Attributes:
        rate: requests a second, on average.
        burst: requests at once.
        quota: None for as many as the rate lets through.
        group: the Cognito group whose members may make keys of this plan; None for every account.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern="^[a-z][a-z0-9-]{0,31}$")]
    rate: Annotated[float, Field(gt=0, le=10_000)]
    burst: Annotated[int, Field(ge=1, le=10_000)]
    quota: Quota | None = None
    group: str | None = None


TRIAL = Plan(name="trial", rate=2, burst=10, quota=Quota(limit=10_000))
PARTNER = Plan(name="partner", rate=50, burst=100, quota=Quota(limit=5_000_000), group="partners")


class PlanSettings(Settings):
    """What plans there are; the same for the gateway and the history api."""

    plans: Annotated[tuple[Plan, ...], NoDecode] = Field(
        (TRIAL, PARTNER),
        min_length=1,
        description="Plans of API keys, as a JSON list; a new key has the first one unless it is made with another",
    )

    @field_validator("plans", mode="before")
    @classmethod
    def _parse(cls, given: Any) -> Any:
        # Not by pydantic-settings, which does not say of which variable it is that it cannot be read.
        return json.loads(given) if isinstance(given, str) else given

    @field_validator("plans")
    @classmethod
    def _names_are_unique(cls, plans: tuple[Plan, ...]) -> tuple[Plan, ...]:
        if len({plan.name for plan in plans}) < len(plans):
            raise ValueError("two plans have the same name")
        return plans

    def plan(self, name: str) -> Plan | None:
        """The plan of this name."""
        return next((plan for plan in self.plans if plan.name == name), None)

    def plan_of(self, name: str) -> Plan:
        """The plan of this name; the first one for keys whose plan is no more."""
        return self.plan(name) or self.plans[0]
