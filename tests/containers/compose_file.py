"""The compose file, as the real Compose reads it; `make check-deploy` runs it."""

from collections.abc import Mapping
from typing import Any

import pytest

from deploy.compose.passwords import NAMES
from deploy.compose.processes import READS, variables
from deploy.compose.scraping import listening
from gateway.settings import GatewaySettings
from libs.config import load
from tests.containers.tools import ROOT, compose_binary, compose_config, services

BINARY = compose_binary()

PASSWORDS = {name: f"Ab-1{name.lower().replace('_', '-')}" for name in NAMES}
ONCE = "migrate"


@pytest.fixture(scope="module")
def described() -> Mapping[str, Mapping[str, Any]]:
    """All services, those of the profile too."""
    assert BINARY is not None
    result = compose_config(BINARY, PASSWORDS, "--profile", "*")
    assert result.returncode == 0, result.stderr
    return services(result.stdout)


def test_nothing_starts_without_passwords() -> None:
    """There is no default password; the message names what is missing."""
    assert BINARY is not None

    result = compose_config(BINARY, {})

    assert result.returncode != 0
    assert any(name in result.stderr for name in NAMES)


@pytest.mark.parametrize("process", READS)
def test_a_container_gets_what_its_process_reads(
    process: str, described: Mapping[str, Mapping[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its settings are complete and right, and no variable is there that the process does not read."""
    environment: Mapping[str, str | None] = described[process]["environment"]

    assert set(environment) <= set(variables(process))
    for name in {name for kind in READS for name in variables(kind)}:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        if value is not None and not name.endswith("_FILE"):
            monkeypatch.setenv(name, value)
    load(*READS[process])


def test_a_variable_of_the_env_file_reaches_those_who_read_it() -> None:
    """`.env` is the one place: a setting in it is in the containers of its readers, and of nobody else."""
    assert BINARY is not None

    result = compose_config(BINARY, {**PASSWORDS, "GENERATION_MODEL_TRIES": "2"})

    given = {name for name, one in services(result.stdout).items() if _value(one, "GENERATION_MODEL_TRIES") == "2"}
    assert given == {"generation"}


def test_every_container_is_confined(described: Mapping[str, Mapping[str, Any]]) -> None:
    """Nothing can write to its image, has or gains capabilities, or takes more than its share; logs are bounded."""
    for name, one in described.items():
        limits = one["deploy"]["resources"]["limits"]
        assert one["read_only"] is True, name
        assert one["cap_drop"] == ["ALL"], name
        assert "cap_add" not in one, name
        assert "privileged" not in one, name
        assert one["security_opt"] == ["no-new-privileges:true"], name
        assert limits.keys() >= {"cpus", "memory", "pids"}, name
        assert one["logging"]["options"]["max-size"], name
        assert one["restart"] == ("no" if name == ONCE else "unless-stopped"), name


def test_only_this_machine_reaches_a_port(described: Mapping[str, Mapping[str, Any]]) -> None:
    """What is published is published on the loopback interface."""
    hosts = {port["host_ip"] for one in described.values() for port in one.get("ports", ())}

    assert hosts == {"127.0.0.1"}


def test_who_waits_waits_for_health(described: Mapping[str, Mapping[str, Any]]) -> None:
    """A process starts when what it needs answers and the database is migrated; what is waited for has a check."""
    for name in READS:
        for needed, how in described[name].get("depends_on", {}).items():
            wanted = "service_completed_successfully" if needed == ONCE else "service_healthy"
            assert how["condition"] == wanted, f"{name} waits for {needed}"
            assert needed == ONCE or described[needed]["healthcheck"]["test"], needed


def test_data_has_no_way_out(described: Mapping[str, Mapping[str, Any]]) -> None:
    """Valkey and Postgres are on the inner network alone."""
    assert [set(described[name]["networks"]) for name in ("valkey", "postgres")] == [{"data"}, {"data"}]


def test_the_profile_shows_what_every_process_does() -> None:
    """Chosen by its variable it also gets the spans of every process that listens, over a network that both are on."""
    assert BINARY is not None

    chosen = services(compose_config(BINARY, {**PASSWORDS, "COMPOSE_PROFILES": "observability"}).stdout)
    without = services(compose_config(BINARY, PASSWORDS).stdout)
    collector = (ROOT / "deploy/compose/observability/otel-collector.yml").read_text()

    assert "http: {endpoint: 0.0.0.0:4318}" in collector
    for name in listening():
        assert _value(chosen[name], "OTEL_EXPORTER_OTLP_ENDPOINT") == "http://otel-collector:4318", name
        assert set(chosen[name]["networks"]) & set(chosen["otel-collector"]["networks"]), name
        assert not _value(without[name], "OTEL_EXPORTER_OTLP_ENDPOINT"), name


def test_the_gateway_may_open_its_sockets(described: Mapping[str, Mapping[str, Any]]) -> None:
    """The limit of open files is above that of sockets."""
    assert described["gateway"]["ulimits"]["nofile"] > GatewaySettings().max_sockets


def _value(service: Mapping[str, Any], name: str) -> str | None:
    found: str | None = (service.get("environment") or {}).get(name)
    return found
