"""The identity provider as its own process."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore import UNSIGNED
from botocore.config import Config

from libs.config import IdentitySettings

START_SECONDS = 30.0


class Process:
    """`python -m deploy.local.identity` with a folder of its own; it can be started again."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.client_id = "eloquentlocal"
        self.pool_id = "local:00000000-0000-4000-8000-000000000000"
        self._folder = folder
        self._log = folder / "log"

    def start(self) -> None:
        environment = {"PATH": os.environ["PATH"], "PORT": str(self.port), "IDENTITY_DIR": str(self._folder / "state")}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "deploy.local.identity"], env=environment, stdout=log, stderr=log
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(self._log.read_text())
            time.sleep(0.02)

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", trust_env=False).is_success
        except httpx.TransportError:
            return False

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        self._process.send_signal(how)
        self._process.wait(30)

    def code(self, email: str) -> str:
        """The last code in the log for this address."""
        lines = [json.loads(line) for line in self._log.read_text().splitlines() if line.startswith("{")]
        codes = [line["code"] for line in lines if line["message"] == "confirmation code" and line["email"] == email]
        return str(codes[-1])

    def sdk(self, service: str) -> Any:
        """Amazon's own client, pointed here."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name="eu-west-1",
            config=Config(signature_version=UNSIGNED, retries={"max_attempts": 0}, proxies={}),
        )

    @property
    def settings(self) -> IdentitySettings:
        """What a service is told about this issuer."""
        return IdentitySettings(
            cognito_user_pool_issuer=f"{self.url}/local_eloquent",
            cognito_client_id=self.client_id,
            cognito_identity_pool_id=self.pool_id,
            cognito_identity_issuer=self.url,
            cognito_identity_jwks_url=f"{self.url}/.well-known/jwks_uri",
        )


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    process = Process(tmp_path_factory.mktemp("identity"))
    process.start()
    try:
        yield process
    finally:
        process.stop()
