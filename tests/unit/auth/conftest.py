"""A running issuer and a verifier that trusts it."""

from collections.abc import Iterator

import pytest

from libs.auth.cognito import TokenVerifier
from tests.unit.auth.builders_auth import Hands, Issuer, a_verifier, an_issuer


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
