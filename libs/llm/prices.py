"""What models cost: one table, from which a budget's reservations and the bills of keys are worked out."""

import json
import math
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_settings import NoDecode

from libs.config import Settings
from libs.contracts.values import Usage

ANY_OTHER = "*"


class Price(BaseModel):
    """US dollars for a million tokens, which is millionths of a dollar for one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: Annotated[float, Field(ge=0, le=100_000)]
    output: Annotated[float, Field(ge=0, le=100_000)]


_PUBLISHED = {
    "gpt-4.1": Price(input=2.0, output=8.0),
    "gpt-4.1-mini": Price(input=0.4, output=1.6),
    "gpt-4.1-nano": Price(input=0.1, output=0.4),
    "gpt-4o": Price(input=2.5, output=10.0),
    "gpt-4o-mini": Price(input=0.15, output=0.6),
    # Unknown models are taken for dear ones: a budget that is used up too early can be raised.
    ANY_OTHER: Price(input=2.5, output=10.0),
}


class PriceSettings(Settings):
    """What models cost."""

    model_prices: Annotated[dict[str, Price], NoDecode] = Field(
        _PUBLISHED,
        description="US dollars for a million tokens, as JSON: by model its `input` and `output`; `*` is any other one",
    )

    @field_validator("model_prices", mode="before")
    @classmethod
    def _parse(cls, given: Any) -> Any:
        # Not by pydantic-settings, which does not say of which variable it is that it cannot be read.
        return json.loads(given) if isinstance(given, str) else given

    @field_validator("model_prices")
    @classmethod
    def _every_model_has_one(cls, prices: dict[str, Price]) -> dict[str, Price]:
        if ANY_OTHER not in prices:
            raise ValueError("say what any other model costs, as `*`")
        return prices

    def price_of(self, model: str) -> Price:
        """Of this model; `gpt-4.1-2025-04-14` costs what `gpt-4.1` does."""
        known = [name for name in self.model_prices if model == name or model.startswith(f"{name}-")]
        return self.model_prices[max(known, key=len, default=ANY_OTHER)]

    def cost_micro_usd(self, model: str, usage: Usage) -> int:
        """Of a call, in millionths of a US dollar, rounded up."""
        price = self.price_of(model)
        return math.ceil(usage.input_tokens * price.input + usage.output_tokens * price.output)

    def dearest_micro_usd(self, models: Iterable[str], usage: Usage) -> int:
        """Of a call to whichever of these models costs most."""
        return max(self.cost_micro_usd(model, usage) for model in models)
