"""Payloads that were ever published can still be read.

`golden/<stream>.json` is the first payload of an event's version; a field that is added later, with a default, brings a
second file, `<stream>+<field>.json`. Files are added, never changed.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from libs.contracts.events import ALL_EVENTS, Event

GOLDEN = Path(__file__).parent / "golden"
BY_STREAM = {event_type.stream: event_type for event_type in ALL_EVENTS}


def _golden() -> list[Path]:
    return sorted(GOLDEN.glob("*.json"))


def _event_type(path: Path) -> type[Event]:
    return BY_STREAM[path.stem.partition("+")[0]]


def _payload(path: Path) -> dict[str, Any]:
    payload: dict[str, Any] = json.loads(path.read_text())
    return payload


@pytest.mark.parametrize("path", _golden(), ids=lambda path: path.stem)
def test_a_golden_payload_is_read_and_written_as_it_was(path: Path) -> None:
    """Every field keeps its name, its type and its meaning; a change makes a new version of the stream instead."""
    event = _event_type(path).model_validate_json(path.read_bytes())

    assert json.loads(event.model_dump_json(exclude_unset=True)) == _payload(path)


@pytest.mark.parametrize("path", _golden(), ids=lambda path: path.stem)
def test_a_newer_writer_does_not_stop_an_older_reader(path: Path) -> None:
    """A field that this version does not know is ignored."""
    newer = json.dumps(_payload(path) | {"added_later": {"any": ["thing"]}})

    event = _event_type(path).model_validate_json(newer)

    assert json.loads(event.model_dump_json(exclude_unset=True)) == _payload(path)


@pytest.mark.parametrize("event_type", ALL_EVENTS, ids=lambda event_type: event_type.stream)
def test_every_field_stands_in_a_golden_payload(event_type: type[Event]) -> None:
    """No field can be added or lost unseen."""
    shown = {field for path in _golden() if _event_type(path) is event_type for field in _payload(path)}

    assert shown == set(event_type.model_fields)
