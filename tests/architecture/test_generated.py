"""Generated documents say what the code says."""

from typing import Any, cast

import pytest

from deploy.docs import DOCUMENTS, ROOT
from deploy.docs.asyncapi import TRAFFIC
from generation_service import worker as generation
from history_service import worker as history
from ingest_service import worker as ingest
from libs.bus.bus import Bus
from libs.contracts.events import ALL_EVENTS, Event
from retrieval_service import worker as retrieval


class Recorder:
    """Stands where services register their handlers, and remembers for which events."""

    def __init__(self) -> None:
        self.events: list[type[Event]] = []

    def on(self, event_type: type[Event], *, concurrency: int, patience_seconds: float = 0.0) -> Any:
        assert concurrency == 1
        self.events.append(event_type)
        return lambda handler: handler


def _registered(register: Any, **use_cases: Any) -> set[type[Event]]:
    recorder = Recorder()
    register(cast("Bus", recorder), concurrency=1, **use_cases)
    return set(recorder.events)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_generated_document_is_up_to_date(name: str) -> None:
    """Whoever changes an API, an event or a setting also commits what `make docs` makes of it."""
    assert (ROOT / name).read_text() == DOCUMENTS[name](), f"{name} is out of date: run `make docs`"


def test_services_read_what_asyncapi_says() -> None:
    """The handlers that each service registers are the ones in the document."""
    documented = {traffic.group: set(traffic.reads) for traffic in TRAFFIC}

    assert documented == {
        "gateway": set(),
        "history": _registered(history.register, open_turn=None, record_answer=None),
        "retrieval": _registered(retrieval.register, retrieve=None),
        "generation": _registered(
            generation.register, prepare=None, answer=None, writer=None, meter_of=None, model="any"
        ),
        "ingest": _registered(ingest.register, index=None, give_up=None, patience_seconds=0),
    }


def test_every_stream_has_one_group_and_a_writer() -> None:
    """A stream that nobody consumes grows without bound, and two groups would both delete its entries."""
    read = [event for traffic in TRAFFIC for event in traffic.reads]
    written = {event for traffic in TRAFFIC for event, _ in traffic.writes}

    assert sorted(event.stream for event in read) == sorted(event.stream for event in ALL_EVENTS)
    assert written == set(ALL_EVENTS)
