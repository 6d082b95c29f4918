"""Asks a running API everything that its own OpenAPI document allows, and much that it forbids.

Wanted is that no answer is a 5xx and every answer is documented, with its status, media type, headers and schema, also
for callers without a token, methods that there are not, and data that breaks the schema. By Schemathesis.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

import httpx

from deploy.local.ports import plan_ports
from deploy.local.sign_in import identity_of, user_token
from tests.e2e.people import Person
from tests.e2e.stack import Stack
from tests.polling import eventually

SCHEMATHESIS = str(Path(sys.executable).with_name("schemathesis"))
SECONDS = 900.0
# What a schema cannot say, so that valid requests may be refused: whose cursor it is, what a file's bytes are.
NOT_SAID_BY_SCHEMAS = "positive_data_acceptance"
# The gateway forwards every method an API might have; which ones a path has the API says.
NOT_KNOWN_BY_A_DOOR = "allow_header_conformance"
# Streams of server-sent events end when their documents do: who waits for a whole body waits for minutes.
ENDLESS = "/events$"

APIS = ("gateway", "history-api", "ingest-api", "identity", "models")
ROOM = {f"GATEWAY_{who}_REQUESTS_PER_MINUTE": "1000000" for who in ("USER", "GUEST", "ADDRESS")}
"""Settings of a run in which the limit on requests is not what answers."""


def address_of(stack: Stack, service: str) -> str:
    """Where this process of the run is."""
    url = httpx.URL(stack.url)
    return f"http://{url.host}:{getattr(plan_ports(url.port or 0), service.replace('-', '_'))}"


async def user_of(stack: Stack, http: httpx.AsyncClient) -> Person:
    """A new user, who is in no group: what they do changes nobody else's documents."""
    identity = await identity_of(stack.url, http)
    email, password = f"{uuid4().hex}@eloquent.local", f"Aa1!{uuid4().hex}"
    call = {"ClientId": identity.user_pool_client_id, "Username": email}

    async def provider(operation: str, **more: object) -> None:
        headers = {"x-amz-target": f"AWSCognitoIdentityProviderService.{operation}"}
        (await http.post(f"{identity_address}/", json={**call, **more}, headers=headers)).raise_for_status()

    identity_address = address_of(stack, "identity")
    await provider("SignUp", Password=password, UserAttributes=[{"Name": "email", "Value": email}])

    async def code() -> str | None:
        lines = map(_read, stack.log_tail().splitlines())
        return next((line["code"] for line in lines if line.get("email") == email), None)

    await provider("ConfirmSignUp", ConfirmationCode=await eventually(code))

    async def token() -> str:
        return await user_token(identity, http, email=email, password=password)

    return Person(stack, http, token)


def _read(line: str) -> dict[str, str]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


async def complaints(
    address: str,
    *,
    token: str,
    examples: int,
    seed: int,
    parameters: Mapping[str, str] | None = None,
    is_door: bool = False,
) -> str:
    """What is wrong with the API; empty when nothing is.

    Args:
        address: of the API, which publishes `/openapi.json`.
        token: a user's.
        examples: random requests per operation, beside those that follow from the document.
        seed: the same one asks the same again.
        parameters: fixed values, such as `path.session_id`; then only valid requests are made and nothing is deleted.
        is_door: it forwards.
    """
    left_out = ",".join([NOT_SAID_BY_SCHEMAS, *([NOT_KNOWN_BY_A_DOOR] if is_door else [])])
    with tempfile.TemporaryDirectory(prefix="eloquent-abuse-") as folder:
        config = Path(folder) / "schemathesis.toml"
        fixed = "".join(f'"{name}" = "{value}"\n' for name, value in (parameters or {}).items())
        config.write_text(f"[parameters]\n{fixed}")
        valid = ["--phases", "fuzzing", "--mode", "positive", "--exclude-method", "DELETE"]
        kinds = valid if parameters else ["--phases", "examples,coverage,fuzzing"]
        process = await asyncio.create_subprocess_exec(
            *(SCHEMATHESIS, "--config-file", str(config), "run", f"{address}/openapi.json", "--no-color"),
            *("--max-examples", str(examples), "--seed", str(seed)),
            *("--exclude-checks", left_out, "--header", f"Authorization: Bearer {token}", *kinds),
            *("--exclude-path-regex", ENDLESS),
            *("--no-shrink", "--continue-on-failure", "--generation-database", "none"),
            *("--suppress-health-check", "all", "--output-sanitize", "true"),
            cwd=folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(SECONDS):
                said, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
    return "" if process.returncode == 0 else said.decode(errors="replace")
