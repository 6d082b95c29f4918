"""What the trace of a chat must be like."""

from tests.polling import eventually
from tests.traces.collector import Collector, Trace

ANSWERED = "eloquent.answer_id"
OF_A_CHAT = {"gateway", "history-worker", "retrieval", "generation"}
STAGES = ("chat.asked.v1", "chat.opened.v1", "chat.retrieved.v1", "chat.answered.v1")
ARRIVE_SECONDS = 30.0


def is_whole(trace: Trace | None) -> bool:
    """Every process has sent its part, and every part is below another one."""
    return (
        trace is not None
        and trace.services >= OF_A_CHAT
        and all(trace.named(f"process {stream}") for stream in STAGES)
        and bool(trace.named("settle chat.answered.v1"))
        and len(trace.roots) == 1
        and not trace.orphans
    )


async def trace_of(collector: Collector, answer_id: str) -> Trace:
    """The whole trace of the chat that was answered so."""

    async def is_there() -> bool:
        return is_whole(collector.trace_with(ANSWERED, answer_id))

    await eventually(is_there, within_seconds=ARRIVE_SECONDS)
    trace = collector.trace_with(ANSWERED, answer_id)
    assert trace is not None
    return trace
