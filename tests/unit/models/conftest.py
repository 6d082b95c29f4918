"""One model for all tests: loading it takes longer than most of them."""

import pytest

from deploy.local.models.minilm import MiniLm, installed_weights


@pytest.fixture(scope="session")
def minilm() -> MiniLm:
    """The real model."""
    return MiniLm(installed_weights(), threads=2)
