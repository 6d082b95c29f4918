"""The benchmark itself: that it measures, not what."""

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
