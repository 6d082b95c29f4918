"""What the gateway can be told."""

import pytest
from pydantic import ValidationError

from gateway.settings import EdgeSettings, GatewaySettings


@pytest.mark.parametrize(
    ("given", "origins"),
    [
        ("", ()),
        ("https://a.example", ("https://a.example",)),
        (" https://a.example/ ,, https://b.example ", ("https://a.example", "https://b.example")),
    ],
)
def test_origins_are_a_list_with_commas(given: str, origins: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """As people write them, with or without a slash at the end."""
    monkeypatch.setenv("ALLOWED_ORIGINS", given)

    assert EdgeSettings(history_api_url="http://history", ingest_api_url="http://ingest").allowed_origins == origins


def test_the_gateway_needs_to_know_its_neighbours() -> None:
    """There is no default that could be right."""
    with pytest.raises(ValidationError, match="history_api_url"):
        EdgeSettings(ingest_api_url="http://ingest")


@pytest.mark.parametrize("name", ["max_sockets", "frames_per_second", "authentication_seconds", "send_seconds"])
def test_no_limit_can_be_switched_off(name: str) -> None:
    """Zero is not "unlimited"."""
    with pytest.raises(ValidationError):
        GatewaySettings.model_validate({name: 0})
