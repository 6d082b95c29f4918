"""What a crash left half done is finished: events that were not published, vectors and blobs that nobody needs."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from ingest_service.leftovers import Removal
from ingest_service.metrics import REPUBLISHED
from ingest_service.ports import Publish
from ingest_service.stalled import StalledVersions
from ingest_service.turns import Turns
from ingest_service.versions import Versions
from libs.contracts.events import Event

log = structlog.get_logger()

BATCH = 200
"""Looked at in one sweep, so that a sweep after a disaster does not flood the stream."""
_GAVE_UP = ("gave_up", "Indexing this document broke off again and again. Retry it, or send it in another form.")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long things may stand still.

    Attributes:
        unpublished_seconds: between an upload's commit and its event.
        idle_seconds: without progress, with nothing on the stream.
        overdue_seconds: without progress, whatever is on the stream.
        leftover_seconds: between a deletion and the removal of what it left.
        max_publications: of one version, before it has failed.
    """

    idle_seconds: float
    overdue_seconds: float
    max_publications: int
    unpublished_seconds: float = 10.0
    leftover_seconds: float = 30.0


async def sweep(
    *,
    stalled: StalledVersions,
    versions: Versions,
    removal: Removal,
    turns: Turns,
    publish: Publish,
    backlog: Callable[[Event], Awaitable[int]],
    patience: Patience,
) -> None:
    """Afterwards no version waits for an event that is not there, and no old leftover is left that could be removed.

    A version that was published is left alone for a while if its stream holds anything: it may be waiting or worked on
    there. But not for ever: with what can be published, and how often, every version comes to an end in bounded time.
    Only one process at a time publishes.

    Raises:
        TransientError: something does not answer; a later sweep finds the rest.
    """
    # Two processes that remove the same do no harm, and slow stores would outlast a transaction.
    for leftover in await removal.old(seconds=patience.leftover_seconds, limit=BATCH):
        await removal.try_to_remove(leftover)
    async with stalled.alone() as alone:
        if not alone:
            return
        found = await stalled.find(
            unpublished_seconds=patience.unpublished_seconds, idle_seconds=patience.idle_seconds, limit=BATCH
        )
        for version in found:
            event = version.event()
            if (
                version.publications > 0
                and version.idle_seconds < patience.overdue_seconds
                and await backlog(event) > 0
            ):
                continue
            if version.publications >= patience.max_publications:
                code, message = _GAVE_UP
                await versions.fail(
                    version.document_id, version.version, version.generation, code=code, message=message
                )
                log.error("gave up a document", publications=version.publications)
                continue
            await stalled.publish_again(version)
            await publish(event)
            REPUBLISHED.inc()
            log.warning("published a document again", publications=version.publications + 1)
        for owner_id in await turns.waiting_owners(limit=BATCH):
            await turns.open_next(owner_id)
