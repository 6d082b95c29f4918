"""What a store of flags holds, and what follows from it for one person."""

import hashlib
from collections.abc import Collection, Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints

Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,63}$")]

_BUCKETS = 10_000
"""A hundredth of a percent each."""


class _Part(BaseModel):
    # A misspelt name would be a rule that nobody wrote.
    model_config = ConfigDict(frozen=True, extra="forbid")


class Rule(_Part):
    """On or off for some.

    Attributes:
        value: on or off.
        groups: whom it is for: who is in one of them; everybody where there are none.
        percent: how many of those.
    """

    value: StrictBool
    groups: tuple[Annotated[str, StringConstraints(min_length=1, max_length=128)], ...] = Field((), max_length=50)
    percent: float = Field(100.0, ge=0.0, le=100.0)


class Rollout(_Part):
    """One flag.

    Attributes:
        value: whether it is on for those that no rule is for.
        rules: the first that somebody fits counts.
    """

    value: StrictBool
    rules: tuple[Rule, ...] = Field((), max_length=50)

    def value_for(self, key: str, person: str, groups: Collection[str]) -> tuple[bool, bool]:
        """Whether it is on for this person, and whether a rule says so; the same as long as the rules are.

        A person stays in while a percentage grows, and is in or out of one flag whatever it is in another.

        Args:
            key: the flag's.
            person: who asks; nobody is in a part of everybody without it.
            groups: of the person.
        """
        bucket = _bucket(key, person) if person else _BUCKETS
        for rule in self.rules:
            if rule.groups and not set(rule.groups) & set(groups):
                continue
            if rule.percent == 100 or bucket < rule.percent / 100 * _BUCKETS:  # noqa: PLR2004 - percent
                return rule.value, True
        return self.value, False


class Rollouts(_Part):
    """A whole store: a JSON document, the same in a file and in AppConfig."""

    flags: Mapping[Key, Rollout] = Field({}, max_length=200)


def _bucket(key: str, person: str) -> int:
    digest = hashlib.blake2b(f"{key}/{person}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) * _BUCKETS >> 64
