"""Our rollouts as a provider of OpenFeature."""

from typing import Any, NoReturn

from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import TypeMismatchError
from openfeature.flag_evaluation import FlagResolutionDetails, Reason
from openfeature.provider import AbstractProvider, Metadata

from libs.flags.rollout import Rollouts

GROUPS = "groups"
"""The attribute of a context that has the person's groups."""


class RolloutProvider(AbstractProvider):
    """Decides in memory, so a flag costs no round trip.

    Attributes:
        rollouts: what the store had last; None while it is away: then every flag has its default.
    """

    def __init__(self) -> None:
        super().__init__()
        self.rollouts: Rollouts | None = None

    def get_metadata(self) -> Metadata:
        return Metadata(name="rollouts")

    def resolve_boolean_details(
        self,
        flag_key: str,
        default_value: bool,  # noqa: FBT001 - OpenFeature's signature
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[bool]:
        """As in OpenFeature's provider."""
        rollout = self.rollouts.flags.get(flag_key) if self.rollouts is not None else None
        if rollout is None:
            return FlagResolutionDetails(default_value, reason=Reason.DEFAULT)
        context = evaluation_context or EvaluationContext()
        groups: Any = context.attributes.get(GROUPS, ())
        value, by_rule = rollout.value_for(flag_key, context.targeting_key or "", groups)
        reason = Reason.TARGETING_MATCH if by_rule else Reason.STATIC
        return FlagResolutionDetails(value, reason=reason, variant="on" if value else "off")

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeMismatchError("flags are on or off")

    resolve_string_details = resolve_integer_details = resolve_float_details = resolve_object_details = _refuse
