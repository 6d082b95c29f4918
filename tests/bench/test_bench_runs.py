"""The benchmark itself: that it measures, not what."""

from redis.asyncio import Redis

from tests.bench import guarantees
from tests.bench.chat import Plan, measure
from tests.bench.load import Script


async def test_both_sides_are_measured_and_no_chat_fails() -> None:
    """A short run has whole answers, CPU and memory of both sides."""
    script = Script(first_token=0.05, between=0.005, tokens=70)
    report = await measure(Plan(levels=(3,), rounds=1, window_seconds=1.5, few_seconds=1.5, script=script))

    assert report.failures == []
    assert [window.side for window in report.windows] == ["Eloquent", "monolith"]
    for window in report.windows:
        assert window.seen.added_seconds
        assert all(seconds > 0 for seconds in window.cpu_seconds.values() if window.side == "monolith")
        assert all(size > 0 for size in window.memory_bytes.values())
    assert "| Eloquent |" in report.markdown()


async def test_what_is_promised_is_priced_beside_what_is_not(redis: Redis) -> None:
    """A short run has CPU and times of both ways of each pair."""
    found = await guarantees.measure(redis, rounds=1, flushes=2, alone=2)

    for costs in found.values():
        assert len(costs) == 2
        assert all(cost.count == 100 and min(cost.figures()) > 0 for cost in costs)
    assert guarantees.markdown(found).count("| ratio |") == len(found) == 3
