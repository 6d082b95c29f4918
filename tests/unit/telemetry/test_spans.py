"""Work belongs to the trace of whoever asked, and is recorded where that trace is."""

import asyncio
from collections.abc import Iterator

import pytest

from libs.errors import RequestError, TransientError
from libs.telemetry.spans import arrival, caller, happened, span
from libs.telemetry.tracing import Place, add_trace_id, current_traceparent, here, parsed
from tests.traces.kept import PARENT, SAMPLED, TRACE, Kept, keeping

NOT_SAMPLED = f"00-{TRACE}-{PARENT}-00"


@pytest.fixture
def kept() -> Iterator[Kept]:
    with keeping() as kept:
        yield kept


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        "",
        "00-bad",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01-more",
        f"00-{TRACE.upper()}-{PARENT}-01",
        SAMPLED + "\n",
    ],
)
def test_a_malformed_header_names_nobody(wrong: str | None) -> None:
    """As W3C says: the trace begins anew."""
    assert parsed(wrong) is None


def test_a_later_version_is_read_as_far_as_it_is_known() -> None:
    """It may have more behind it, and more flags."""
    assert parsed(f"cc-{TRACE}-{PARENT}-03-what-comes") == Place(TRACE, PARENT, is_sampled=True)


def test_without_a_recorder_ids_are_passed_on() -> None:
    """To events and log lines; nothing is kept, and requests to others carry nothing."""
    with arrival("work", "server", parsed(SAMPLED)) as work:
        with span("part") as part:
            assert not work.is_recorded
            assert not part.is_recorded
            assert part.headers() == {}
        assert current_traceparent() == SAMPLED
        assert add_trace_id(None, "info", {}) == {"trace_id": TRACE}
    assert here() is None
    with arrival("work", "server", None):
        assert parsed(current_traceparent()) == here()


def test_parts_are_below_their_work(kept: Kept) -> None:
    """And that below whoever asked; what is sent on names the span it is sent from."""
    with arrival("work", "consumer", parsed(SAMPLED)) as work, span("part", "client") as part:
        part.say("db.system.name", "postgresql")
        assert part.headers() == {"traceparent": current_traceparent()}
    done, whole = kept.spans

    assert work.is_recorded
    assert (whole.name, whole.kind, whole.parent_id, whole.place.trace_id) == ("work", "consumer", PARENT, TRACE)
    assert (done.name, done.kind, done.parent_id) == ("part", "client", whole.place.span_id)
    assert done.attributes == {"db.system.name": "postgresql"}
    assert whole.started_at <= done.started_at <= done.ended_at <= whole.ended_at


def test_a_trace_that_is_not_sampled_costs_nothing_below(kept: Kept) -> None:
    """Others are told so, too."""
    with arrival("work", "consumer", parsed(NOT_SAMPLED)), span("part") as part:
        assert part.headers() == {"traceparent": NOT_SAMPLED}
    assert kept.spans == []


def test_strangers_do_not_decide_what_is_recorded(kept: Kept) -> None:
    """Their trace goes on, in our share; unless the setting trusts them."""
    kept.share = False
    with arrival("work", "server", caller({"traceparent": SAMPLED}), trusted=False):
        assert current_traceparent() == NOT_SAMPLED
    kept.callers_decide = True
    with arrival("work", "server", caller({"traceparent": SAMPLED}), trusted=False):
        assert here() != parsed(NOT_SAMPLED)

    assert [one.parent_id for one in kept.spans] == [PARENT]


def test_work_without_a_caller_is_a_root(kept: Kept) -> None:
    """Of a new trace; parts without any work are no traces."""
    with span("part"):
        assert here() is None
    with arrival("work", "server", None):
        pass

    assert [(one.name, one.parent_id, one.place.trace_id) for one in kept.spans] == [("work", "", "f" * 32)]


def test_a_failure_is_said_in_our_words_alone(kept: Kept) -> None:
    """A vendor's may quote the user; what was called off or refused with a reason is no failure."""
    for error in (
        ValueError("what a user wrote"),
        TransientError("the model is away"),
        RequestError("No.", status=404, code="x"),
        asyncio.CancelledError(),
    ):
        with pytest.raises(type(error)), arrival("work", "server", None):
            raise error

    assert [(one.error_type, one.is_failure, one.reason) for one in kept.spans] == [
        ("ValueError", True, ""),
        ("TransientError", True, "the model is away"),
        ("RequestError", False, "No."),
        ("CancelledError", False, ""),
    ]


def test_what_has_happened_is_recorded_afterwards(kept: Kept) -> None:
    """With its time; ended twice it is still one."""
    with arrival("work", "server", None):
        past = happened("SELECT users", "client", seconds=2.0)
        past.end()
        past.end()
    done, _ = kept.spans

    assert done.ended_at - done.started_at >= 2_000_000_000
