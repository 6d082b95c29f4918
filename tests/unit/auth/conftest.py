"""A running issuer and a verifier that trusts it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog

from libs.auth.cognito import TokenVerifier
from tests.unit.auth.builders_auth import Hands, Issuer, a_verifier, an_issuer
from tests.unit.auth.local_provider import Provider


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with an_issuer() as running:
        yield running


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def verifier(issuer: Issuer, hands: Hands) -> TokenVerifier:
    return a_verifier(issuer, hands)


@pytest.fixture
def make_provider(tmp_path: Path, hands: Hands) -> Callable[..., Provider]:
    structlog.reset_defaults()
    return lambda **settings: Provider(tmp_path / "identity", hands, **settings)


@pytest.fixture
def provider(make_provider: Callable[..., Provider]) -> Provider:
    return make_provider()
