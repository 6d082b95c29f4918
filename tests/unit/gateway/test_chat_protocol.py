"""The protocol's document shows what the code speaks."""

import json
from pathlib import Path
from typing import Any

from gateway.client_frames import parse
from gateway.settings import GatewaySettings
from tests.unit.gateway.chunk_rules import assert_valid, text_of

DOCUMENT = (Path(__file__).parents[3] / "docs" / "chat-protocol.md").read_text()


def frames(arrow: str) -> list[str]:
    return [line.removeprefix(f"{arrow} ") for line in DOCUMENT.splitlines() if line.startswith(f"{arrow} {{")]


def test_what_the_example_client_says_is_understood() -> None:
    """Both of its frames."""
    assert [parse(frame).type for frame in frames("→")] == ["send", "resume"]


def test_what_the_example_server_says_keeps_the_rules() -> None:
    """Chunks a client takes, in a sequence without a gap, which add up to the second worker's text."""
    found: list[dict[str, Any]] = [json.loads(frame) for frame in frames("←")]
    chunks = [frame for frame in found if frame["type"] == "chunk"]
    for frame in chunks:
        assert_valid(frame["chunk"])

    assert [frame["sequence"] for frame in chunks] == list(range(len(chunks)))
    assert text_of(frame["chunk"] for frame in chunks) == "A first card is free [1]."
    assert [frame["type"] for frame in found if frame["type"] != "chunk"] == ["end", "no-active"]


def test_the_limits_in_the_document_are_the_defaults() -> None:
    """Numbers in prose grow old."""
    limits = GatewaySettings()

    for words in (
        f"| time to the first valid token | {limits.authentication_seconds:.0f} s |",
        f"| {limits.max_sockets_per_address} | close 4429 |",
        f"| {limits.frames_per_second:.0f} a second, {limits.frames_burst} at once |",
        f"| requests of a socket at once | {limits.max_requests_per_socket} |",
        f"| waiting questions of a partition | {limits.max_backlog:,} |",
        f"| {limits.user_questions_per_minute}, {limits.guest_questions_per_minute} in any minute |",
        f"| {limits.user_turns}, {limits.guest_turns} |",
        f"| {limits.user_requests_per_minute}, {limits.guest_requests_per_minute} in any minute |",
        f"| {limits.address_requests_per_minute:,} in any minute |",
        f"| a question that no worker takes | {limits.untaken_seconds:.0f} s |",
        f"| a client that takes nothing of what waits for it | {limits.send_seconds:.0f} s |",
    ):
        assert words in DOCUMENT
