"""Target tracking as Application Auto Scaling does it: alarms over minutes, proportional steps, cool-downs.

It follows AWS's description (the user guide's chapter on target tracking): tasks are added as fast as the measure says
and taken away gradually, rounded to the safe side. For how many minutes is what the alarms show that it makes.
"""

import math
from collections import deque
from collections.abc import Sequence

from deploy.cdk.scaling_policy import ScalingPolicy

MINUTE = 60
OUT_MINUTES = 3
"""So many in a row above the target, and tasks are added."""
IN_MINUTES = 15
"""So many in a row below the share, and some are taken away."""
IN_SHARE = 0.9
START_SECONDS = 75
"""From the decision to a task that works: a place, the image, Python, the first read; an assumption."""


class Tracking:
    """The wanted number of tasks, minute by minute.

    Of several measures each has its alarms: any of them adds tasks, all of them must agree to take some away.

    Args:
        policy: between which numbers, and after how long.
        targets: of each measure, per task.
    """

    def __init__(self, policy: ScalingPolicy, targets: Sequence[float]) -> None:
        self._policy = policy
        self._targets = targets
        self._shares: deque[list[float]] = deque(maxlen=IN_MINUTES)
        self._changed_at = -math.inf
        self.wanted = policy.smallest

    def minute(self, now: float, measures: Sequence[float]) -> int:
        """What is wanted from now on.

        Args:
            now: seconds, in steps of a minute.
            measures: the minute's averages, per task.
        """
        shares = [measure / target for measure, target in zip(measures, self._targets, strict=True)]
        self._shares.append(shares)
        since = now - self._changed_at
        last = list(self._shares)
        above = [
            share
            for number, share in enumerate(shares)
            if len(last) >= OUT_MINUTES and min(minute[number] for minute in last[-OUT_MINUTES:]) > 1
        ]
        below = len(last) == IN_MINUTES and max(max(minute) for minute in last) < IN_SHARE
        if above and since >= self._policy.out_seconds:
            self._want(max(self.wanted, math.ceil(self.wanted * max(above))), now)
        elif below and since >= self._policy.in_seconds:
            self._want(min(self.wanted, math.ceil(self.wanted * max(shares))), now)
        return self.wanted

    def _want(self, tasks: int, now: float) -> None:
        tasks = min(max(tasks, self._policy.smallest), self._policy.largest)
        if tasks != self.wanted:
            self.wanted = tasks
            self._changed_at = now
