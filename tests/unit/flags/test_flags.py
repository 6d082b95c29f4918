"""Flags as a service asks for them, through OpenFeature, from a file and from the AppConfig agent."""

import asyncio
import json
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import ValidationError
from structlog.testing import capture_logs

from libs.contracts.values import Principal
from libs.errors import TransientError
from libs.flags.flags import Flag, Flags
from libs.flags.provider import RolloutProvider
from libs.flags.settings import FlagSettings
from libs.flags.store import AWAY_SECONDS, Watch, from_agent
from tests.fakes.http import Connection, Request
from tests.polling import eventually

ON = Flag("starts-on", default=True, meaning="a test")
OFF = Flag("starts-off", default=False, meaning="a test")
PATH = "/applications/eloquent/environments/dev/configurations/flags"


def somebody(*groups: str) -> Principal:
    return Principal(user_id=uuid4(), is_guest=False, groups=groups)


def document(**flags: bool) -> bytes:
    return json.dumps({"flags": {key.replace("_", "-"): {"value": value} for key, value in flags.items()}}).encode()


def from_settings(**given: object) -> Flags:
    return Flags.from_settings([ON, OFF], FlagSettings.model_validate({"refresh_seconds": 0.01, **given}))


async def test_without_a_store_flags_have_their_defaults() -> None:
    """A laptop needs none."""
    async with from_settings() as flags:
        assert (flags.is_on(ON, somebody()), flags.is_on(OFF, somebody())) == (True, False)


async def test_a_file_switches_while_the_process_runs(tmp_path: Path) -> None:
    """Also when it is there only later; what it does not name keeps its default."""
    file = tmp_path / "flags.json"
    async with from_settings(file=file) as flags:

        async def is_on() -> bool:
            return flags.is_on(OFF, somebody())

        async def is_off() -> bool:
            return not await is_on()

        assert not await is_on()
        file.write_bytes(document(starts_off=True))
        await eventually(is_on)
        assert flags.is_on(ON, somebody())
        file.write_bytes(document(starts_off=False))
        await eventually(is_off)


async def test_groups_are_the_principals(tmp_path: Path) -> None:
    """Cognito's, as in the token."""
    file = tmp_path / "flags.json"
    rules = [{"groups": ["editors"], "value": True}]
    file.write_text(json.dumps({"flags": {"starts-off": {"value": False, "rules": rules}}}))
    async with from_settings(file=file) as flags:
        assert flags.is_on(OFF, somebody("readers", "editors"))
        assert not flags.is_on(OFF, somebody("readers"))


async def test_two_services_in_a_process_do_not_meet(tmp_path: Path) -> None:
    """OpenFeature keeps providers for the whole process."""
    file = tmp_path / "flags.json"
    file.write_bytes(document(starts_off=True))
    async with from_settings(file=file) as one, from_settings() as other:
        assert one.is_on(OFF, somebody())
        assert not other.is_on(OFF, somebody())
    assert not one.is_on(OFF, somebody())


class Store:
    """A store that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0
        self.document: bytes | None = document(starts_off=True)

    async def read(self) -> bytes:
        if self.document is None:
            raise TransientError("away")
        return self.document


@pytest.mark.parametrize("trouble", [None, b"", b"{", b'{"flags": []}', b'{"flag": {}}', b" " * 2_000_000])
async def test_a_store_that_is_away_or_wrong_is_not_believed_for_long(trouble: bytes | None) -> None:
    """For a minute what it said last goes on, then defaults do, until it is well again; it is said once."""
    store, provider = Store(), RolloutProvider()
    watch = Watch(store.read, provider, known=["starts-off"], now=lambda: store.now)
    await watch.look()
    store.document = trouble
    with capture_logs() as logs:
        for store.now in (1.0, AWAY_SECONDS):
            await watch.look()
            assert provider.resolve_boolean_details("starts-off", False).value is True
        store.now = AWAY_SECONDS + 1
        await watch.look()
        assert provider.resolve_boolean_details("starts-off", False).value is False
    assert [line["log_level"] for line in logs] == ["warning"]

    store.document = document(starts_off=True)
    await watch.look()
    assert provider.resolve_boolean_details("starts-off", False).value is True


async def test_an_exposure_is_logged_once_for_a_person(tmp_path: Path) -> None:
    """A hash, the flag and the variant, nothing else of the person; defaults expose nobody."""
    file = tmp_path / "flags.json"
    file.write_bytes(document(starts_off=True))
    ann, bob = somebody("editors"), somebody()
    async with from_settings(file=file) as flags:
        with capture_logs() as logs:
            for person in (ann, ann, bob, ann):
                flags.is_on(OFF, person)
                flags.is_on(ON, person)

    exposures = [line for line in logs if line["event"] == "flag exposure"]
    assert [(line["flag"], line["variant"], line["reason"]) for line in exposures] == [
        ("starts-off", "on", "static")
    ] * 2
    assert len({line["user_hash"] for line in exposures}) == 2
    assert not any(str(person.user_id) in str(logs) for person in (ann, bob))


class Agent:
    """The AppConfig agent's local HTTP."""

    def __init__(self) -> None:
        self.status = 200

    def handle(self, connection: Connection, request: Request) -> None:
        status = self.status if request.path == PATH else 404
        connection.reply({"flags": {"starts-off": {"value": True}}}, status=status)


async def test_the_agent_is_asked_where_it_listens() -> None:
    """Whatever else it answers is no document; nor is it when nobody listens."""
    agent = Agent()
    server = await asyncio.get_running_loop().create_server(lambda: Connection(agent.handle), "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}{PATH}"
    async with server:
        async with from_settings(url=url) as flags:
            assert flags.is_on(OFF, somebody())
        agent.status = 404
        with pytest.raises(TransientError, match="answers 404"):
            await from_agent(url)()
    with pytest.raises(TransientError, match="does not answer"):
        await from_agent(url)()


def test_there_is_one_store() -> None:
    """A file and an agent could contradict each other."""
    with pytest.raises(ValidationError, match="not both"):
        FlagSettings(file=Path("x"), url="http://localhost:2772/x")
