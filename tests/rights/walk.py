"""Walks of random steps through one world."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any, cast

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.rights.machine import RightsMachine
from tests.rights.world import World

STEPS_PER_WALK = 50


def walk(database_url: str, redis_url: str, *, walks: int, chance: int, shrinks: bool = True, **parts: Any) -> int:
    """How many steps were taken; what is shown was at each of them what the model says.

    Args:
        database_url: of a migrated database, which is emptied.
        redis_url: of a Valkey, which is emptied.
        walks: from nothing, of at most `STEPS_PER_WALK` steps.
        chance: decides what is done.
        shrinks: looks for the shortest walk that fails.
        parts: of the world, in place of its own.

    Raises:
        AssertionError: something was shown that may not be, or not shown that may be; the steps are printed.
    """
    phases = (Phase.generate, Phase.shrink) if shrinks else (Phase.generate,)
    before = RightsMachine.steps
    # A loop of its own, which nobody else gets to see.
    with (
        tempfile.TemporaryDirectory(prefix="eloquent-rights-") as folder,
        asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner,
    ):
        world = runner.run(World(database_url, redis_url, Path(folder), **parts).__aenter__())
        try:
            run_state_machine_as_test(
                seed(chance)(cast("type[RightsMachine]", lambda: RightsMachine(world, runner))),
                settings=settings(
                    max_examples=walks,
                    stateful_step_count=STEPS_PER_WALK,
                    phases=phases,
                    deadline=None,
                    database=None,
                    report_multiple_bugs=False,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(world.__aexit__(None, None, None))
    return RightsMachine.steps - before
