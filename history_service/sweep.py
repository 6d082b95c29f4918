"""Redis may forget, Postgres does not: turns that stand still are opened again."""

from dataclasses import dataclass
from datetime import timedelta

import structlog

from history_service.metrics import LOST, REOPENED
from history_service.ports import LogActivity, OldTurn, Publish, TurnQueues, UnfinishedTurns
from libs.clock import Clock
from libs.contracts.events import AnswerWritten

log = structlog.get_logger()

BATCH = 200
"""Turns looked at in one sweep, so that a sweep after a disaster does not flood the streams."""

LOST_FAILURE = "lost"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a turn may stand still before it is opened again, and how often that is tried."""

    silent_seconds: float
    max_reopenings: int


async def sweep(
    *,
    turns: UnfinishedTurns,
    logs: LogActivity,
    queues: TurnQueues,
    publish: Publish,
    patience: Patience,
    clock: Clock,
) -> None:
    """Afterwards no turn stands still: queued ones with nothing ahead and opened ones nobody works on are published.

    A turn is left alone while its log moves, and while an entry as old as it still waits on its streams: that is
    a backlog, and more work would make it longer. What was opened too often ends as failed, by the same event that
    ends any answer. Does nothing while another process sweeps.

    Raises:
        TransientError: Postgres or Redis does not answer; what was not published is found again by a later sweep.
    """
    async with turns.alone() as alone:
        if not alone:
            return
        for opened in await turns.open_waiting(limit=BATCH):
            log.warning("opened a turn that waited for nothing")
            await publish(opened.event())
        old = await turns.opened_before(seconds=patience.silent_seconds, limit=BATCH)
        moved = await logs.last_moved([(turn.turn.session_id, turn.turn.answer_id) for turn in old])
        silent_since = clock() - timedelta(seconds=patience.silent_seconds)
        for turn in old:
            stands_still = moved[turn.turn.answer_id] <= silent_since
            if stands_still and not await _waits(turn, queues=queues, patience=patience):
                await _again(turn, turns=turns, publish=publish, patience=patience)


async def _waits(old: OldTurn, *, queues: TurnQueues, patience: Patience) -> bool:
    oldest_entry = await queues.oldest_entry(old.turn.session_id)
    # Half the patience for the hop from commit to stream, clocks that differ, and entries that changed hands.
    margin = timedelta(seconds=patience.silent_seconds / 2)
    return oldest_entry is not None and oldest_entry <= old.opened_at + margin


async def _again(old: OldTurn, *, turns: UnfinishedTurns, publish: Publish, patience: Patience) -> None:
    reopened = await turns.reopen(old)
    if reopened is None:
        return
    if old.reopened_count < patience.max_reopenings:
        REOPENED.inc()
        log.warning("opened a turn again", times=old.reopened_count + 1)
        await publish(reopened.event())
    else:
        LOST.inc()
        log.error("gave up a turn", times=old.reopened_count)
        await publish(AnswerWritten(turn=reopened.turn, status="failed", failure=LOST_FAILURE))
