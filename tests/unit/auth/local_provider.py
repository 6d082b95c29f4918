"""The local identity provider in this process, with a clock whose hands are turned."""

from pathlib import Path
from typing import Any

import httpx
from structlog.testing import capture_logs

from deploy.local.identity.settings import LocalIdentitySettings
from deploy.local.identity.wiring import build
from libs.config import ProcessSettings
from tests.unit.auth.builders_auth import Hands

EMAIL, PASSWORD = "ann@example.com", "Correct-horse-7"


CLIENT = "eloquentlocal"


class Provider:
    """A provider in this process, called over its own protocol."""

    def __init__(self, folder: Path, hands: Hands, **settings: Any) -> None:
        app = build(LocalIdentitySettings(dir=folder, **settings), ProcessSettings(port=9000), clock=hands)
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://identity")
        self.codes: list[str] = []

    async def post(self, target: str, body: dict[str, Any]) -> httpx.Response:
        with capture_logs() as lines:
            answer = await self._client.post("/", json=body, headers={"X-Amz-Target": target})
        self.codes += [line["code"] for line in lines if line["event"] == "confirmation code"]
        return answer

    async def call(self, operation: str, **body: Any) -> Any:
        """What the operation answers; a refusal's name when it is one."""
        answer = await self.post(f"AWSCognitoIdentityProviderService.{operation}", {"ClientId": CLIENT, **body})
        return answer.json().get("__type", answer.json())

    async def sign_up(self, email: str = EMAIL) -> Any:
        return await self.call("SignUp", Username=email, Password=PASSWORD)

    async def confirm(self, code: str, email: str = EMAIL) -> Any:
        return await self.call("ConfirmSignUp", Username=email, ConfirmationCode=code)

    async def sign_in(self, password: str = PASSWORD, email: str = EMAIL) -> Any:
        parameters = {"USERNAME": email, "PASSWORD": password}
        return await self.call("InitiateAuth", AuthFlow="USER_PASSWORD_AUTH", AuthParameters=parameters)

    async def refresh(self, token: str) -> Any:
        return await self.call("InitiateAuth", AuthFlow="REFRESH_TOKEN_AUTH", AuthParameters={"REFRESH_TOKEN": token})

    async def user(self) -> dict[str, Any]:
        """A confirmed user's tokens."""
        await self.sign_up()
        assert await self.confirm(self.codes[-1]) == {}
        return dict((await self.sign_in())["AuthenticationResult"])


def another_code(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"
