"""The real endpoint as a process of its own, and the real SDK in front of it."""

import os
import sys
from collections.abc import AsyncIterator

import httpx
import pytest
from openai import AsyncOpenAI, DefaultAsyncHttpxClient

from deploy.local.program import Program, free_port, running
from deploy.local.state import ROOT


class ModelsServer:
    """`python -m deploy.local.models` on a port of its own."""

    def __init__(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self._environment = {"PATH": os.environ["PATH"], "PORT": str(port), "LOG_LEVEL": "WARNING"}

    async def prepare(self) -> None:
        pass

    def program(self) -> Program:
        return Program("models", (sys.executable, "-m", "deploy.local.models"), self._environment, folder=ROOT)

    async def is_ready(self) -> bool:
        async with httpx.AsyncClient(trust_env=False) as http:
            try:
                return (await http.get(f"{self.address}/readyz")).is_success
            except httpx.TransportError:
                return False


@pytest.fixture(scope="session")
async def models_url() -> AsyncIterator[str]:
    """The address of the endpoint, without `/v1`."""
    server = ModelsServer(free_port())
    async with running(server):
        yield server.address


@pytest.fixture
async def client(models_url: str) -> AsyncIterator[AsyncOpenAI]:
    """The SDK that every service uses."""
    async with DefaultAsyncHttpxClient(trust_env=False) as http:
        yield AsyncOpenAI(base_url=f"{models_url}/v1", api_key="any", max_retries=0, http_client=http)
