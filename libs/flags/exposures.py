"""Who saw what: said once for each person, flag and value, so that a trial can be evaluated from the logs."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable

import structlog
from openfeature.flag_evaluation import FlagEvaluationDetails, FlagValueType, Reason
from openfeature.hook import Hook, HookContext, HookHints
from prometheus_client import Counter

log = structlog.get_logger()

AGAIN_SECONDS = 3_600.0
REMEMBERED_MAX = 50_000

EVALUATIONS = Counter("feature_flag_evaluations_total", "Flags that were asked for", ["flag", "variant"])


class Exposures(Hook):
    """A hook of OpenFeature; what has its default because no store says otherwise exposes nobody to anything.

    Args:
        now: seconds of a clock that never goes back.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._said: OrderedDict[tuple[str, str, str], float] = OrderedDict()

    def finally_after(
        self,
        hook_context: HookContext,
        details: FlagEvaluationDetails[FlagValueType],
        hints: HookHints,  # noqa: ARG002 - OpenFeature's signature
    ) -> None:
        """OpenFeature's call, behind every evaluation."""
        variant = details.variant or "default"
        EVALUATIONS.labels(hook_context.flag_key, variant).inc()
        if details.reason not in {Reason.TARGETING_MATCH, Reason.STATIC}:
            return
        person = hashlib.blake2b((hook_context.evaluation_context.targeting_key or "").encode(), digest_size=8)
        if self._is_news((hook_context.flag_key, variant, person.hexdigest())):
            log.info(
                "flag exposure",
                flag=hook_context.flag_key,
                variant=variant,
                reason=str(details.reason).lower(),
                user_hash=person.hexdigest(),
            )

    def _is_news(self, exposure: tuple[str, str, str]) -> bool:
        now = self._now()
        if now < self._said.get(exposure, float("-inf")):
            return False
        self._said[exposure] = now + AGAIN_SECONDS
        self._said.move_to_end(exposure)
        while len(self._said) > REMEMBERED_MAX:
            self._said.popitem(last=False)
        return True
