"""What the stacks are made from fits the code; needs no CDK."""

import ast
import importlib
import json
import re
from pathlib import Path

import pytest
from jsonschema_rs import Draft4Validator
from prometheus_client import REGISTRY
from pydantic import ValidationError

from deploy.cdk.alarms import OF_AWS, RUNBOOK, WATCHES, Watch
from deploy.cdk.config import DEV, PRODUCTION, STAGES, Cache, Database, Pinecone, Stage
from deploy.cdk.contract import operations
from deploy.cdk.environment import SOURCES, Secret, Text, sources, tunable
from deploy.cdk.flags_schema import DECLARED, schema
from deploy.cdk.graphs import ROWS
from deploy.cdk.processes import NEIGHBOURS, PROCESSES, SERVICES, STOP_SECONDS, Process, uses_models
from deploy.cdk.signals import PROCESS, SIGNALS, Signal, collector
from deploy.compose.processes import READS
from deploy.docs.asyncapi import TRAFFIC
from deploy.docs.env_example import is_secret
from deploy.local.plan import SERVICES as LOCAL
from gateway.settings import GatewaySettings
from libs.config import ProcessSettings, variable_name
from libs.contracts.plans import PlanSettings
from libs.flags.rollout import Rollouts
from libs.flags.settings import FlagSettings

FLAG = "retrieval-rerank"
ROOT = Path(__file__).resolve().parents[2]
SERVICE_PACKAGES = ("gateway", "history_service", "retrieval_service", "generation_service", "ingest_service")
SPOT_NOTICE_SECONDS = 120
EVERYWHERE = pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
EACH = pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.name)


@EACH
@EVERYWHERE
def test_a_task_gets_all_it_needs(process: Process, stage: Stage) -> None:
    """Every variable without a default is in its environment, and nothing that it does not read."""
    given = {*sources(process, stage), *tunable(process, stage)}
    needed = {
        variable_name(kind, name)
        for kind in READS[process.name]
        for name, field in kind.model_fields.items()
        if field.is_required()
    }

    assert needed <= given <= set(process.variables)
    assert not set(sources(process, stage)) & set(tunable(process, stage))


@EACH
def test_secrets_are_kept_as_secrets(process: Process) -> None:
    """What a settings class calls secret comes from Secrets Manager, and nothing else does."""
    secret = {
        variable_name(kind, name)
        for kind in READS[process.name]
        for name, field in kind.model_fields.items()
        if is_secret(field)
    }
    given = {name: source for name, source in SOURCES.items() if name in process.variables}

    assert {name for name, source in given.items() if isinstance(source, Secret)} == secret & set(given)
    assert not secret & set(DEV.settings)


def test_nothing_is_given_that_nobody_reads() -> None:
    """A setting that was renamed leaves no variable behind."""
    read = {name for process in PROCESSES for name in process.variables}

    assert set(SOURCES) <= read
    assert all(set(stage.settings) <= read for stage in STAGES)


def test_the_processes_are_those_of_a_laptop() -> None:
    """The same commands under the same names, and each reads the streams its service reads."""
    assert {one.name: one.module for one in SERVICES} == {one.name: one.module for one in LOCAL}
    for traffic in TRAFFIC:
        of_group = [one for one in SERVICES if one.name.partition("-")[0] == traffic.group and one.is_worker]
        assert [set(one.reads) for one in of_group] == ([set(traffic.reads)] if traffic.reads else [])


def test_a_task_has_time_to_stop() -> None:
    """The grace of the process is shorter than the container's, which is shorter than what Spot gives."""
    assert ProcessSettings.model_fields["stop_grace_seconds"].default < STOP_SECONDS < SPOT_NOTICE_SECONDS


def test_who_asks_models_may_leave_the_network() -> None:
    """History's workers and the migration never do."""
    assert all(one.outbound for one in PROCESSES if uses_models(one))
    assert {one.name for one in PROCESSES if not one.outbound} == {"history-worker", "migrate"}
    assert {target for _, target in NEIGHBOURS} <= {one.name for one in SERVICES}


def test_gateways_are_scaled_before_they_refuse() -> None:
    """The target is well below what a gateway takes."""
    [gateway] = [one for one in SERVICES if one.name == "gateway"]

    assert gateway.per_task < GatewaySettings.model_fields["max_sockets"].default / 2


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: signal.name)
def test_every_metric_is_emitted(signal: Signal) -> None:
    """What dashboards, alarms and scaling policies may name is registered by the code, with these labels."""
    for service in SERVICE_PACKAGES:
        importlib.import_module(f"{service}.wiring")

    found = REGISTRY._names_to_collectors[signal.name]

    assert set(signal.labels) <= set(getattr(found, "_labelnames", ()))


@pytest.mark.parametrize("watch", WATCHES, ids=lambda watch: watch.name)
def test_an_alarm_watches_a_metric_that_is_sent(watch: Watch) -> None:
    """CloudWatch finds a metric by all its dimensions or not at all."""
    signal, by = watch.signal, watch.by

    assert signal in SIGNALS
    assert set(by) == {PROCESS, *signal.labels}
    assert by[PROCESS] in {one.name for one in SERVICES}


def test_labels_have_values_that_the_code_says() -> None:
    """A graph or an alarm of a status that no longer exists would be flat for ever; each is a text in the code."""
    said = {
        node.value
        for folder in (
            "gateway",
            "history_service",
            "retrieval_service",
            "generation_service",
            "ingest_service",
            "libs",
        )
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant)
    }
    lines = [(watch.signal, watch.by) for watch in WATCHES] + [line for _, _, row in ROWS for line in row]

    assert all(set(by) == {PROCESS, *signal.labels} for signal, by in lines)
    assert not [by for _, by in lines if not {value for name, value in by.items() if name != PROCESS} <= said]


def test_every_alarm_is_in_the_runbook() -> None:
    """Whoever is woken finds a heading with the alarm's name, and there is none for an alarm that is gone."""
    headings = set(re.findall(r"^### `([\w-]+)`$", (ROOT / RUNBOOK).read_text(), flags=re.MULTILINE))

    assert headings == {*(watch.name for watch in WATCHES), *OF_AWS, "people-notice"}


def test_the_collector_sends_each_metric_once() -> None:
    """A declaration per signal, anchored, so that no name takes another one's metric along."""
    configuration = collector(PRODUCTION, "retrieval", port=8000, log_group="metrics")
    exporters = configuration["exporters"]
    assert isinstance(exporters, dict)
    declared = exporters["awsemf"]["metric_declarations"]

    assert [one["metric_name_selectors"] for one in declared] == [[f"^{one.name}$$"] for one in SIGNALS]
    assert all(one["dimensions"][0][0] == PROCESS for one in declared)


@EVERYWHERE
def test_gateways_have_the_plans_of_api_gateway(stage: Stage) -> None:
    """One declaration: what the stacks make usage plans of is what the tasks enforce, to the letter."""
    source = SOURCES["PLANS"]
    assert isinstance(source, Text)

    given = source.of(stage)

    assert given is not None
    assert PlanSettings.model_validate({"plans": given}).plans == stage.plans
    readers = {process.name for process in PROCESSES if process.uses(PlanSettings)}
    assert readers == {"gateway", "history-api"}


def test_requests_are_checked_by_the_same_documents() -> None:
    """API Gateway knows draft 4: no reference, no type and no keyword that came later."""
    bodies = [one.body for one in operations() if one.body]
    keys = {key for body in bodies for key in _keys(body)}

    assert len(bodies) >= 4
    assert not keys & {"$ref", "$defs", "const", "examples", "discriminator"}
    assert {one.path.split("/")[2] for one in operations()} == {
        *("sessions", "shares", "keys", "documents", "collections"),
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"zones": ("eu-central-1a", "eu-central-1a")},
        {"zones": ("eu-central-1a", "eu-west-1b")},
        {"pinecone": Pinecone("index", endpoint_service="com.amazonaws.vpce.x")},
    ],
)
def test_a_stage_that_cannot_stand_is_refused(wrong: dict[str, object]) -> None:
    """One zone, a zone of another region, half a private link."""
    sound: dict[str, object] = {
        "name": "test",
        "region": "eu-central-1",
        "zones": ("eu-central-1a", "eu-central-1b"),
        "cidr": "10.0.0.0/16",
        "s3_prefix_list": "pl-1",
        "domain": "eloquent.example",
        "database": Database(0.5, 1),
        "cache": Cache("cache.t4g.small"),
        "plans": (),
    }
    Stage(**sound)  # type: ignore[arg-type]

    with pytest.raises(ValueError, match="test: "):
        Stage(**{**sound, **wrong})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("document", "is_sound"),
    [
        ({"flags": {}}, True),
        ({"flags": {FLAG: {"value": True}}}, True),
        ({"flags": {FLAG: {"value": False, "rules": [{"groups": ["a"], "percent": 0.5, "value": True}]}}}, True),
        ({"flags": {FLAG: {}}}, False),
        ({"flags": {FLAG: {"value": "on"}}}, False),
        ({"flags": {FLAG: {"value": True, "rule": []}}}, False),
        ({"flags": {FLAG: {"value": True, "rules": [{"value": True, "percent": 100.5}]}}}, False),
        ({"flags": {FLAG: {"value": True, "rules": [{"value": True, "groups": [""]}]}}}, False),
        ({"flags": {FLAG: {"value": True, "rules": [{"percent": 5}]}}}, False),
        ({}, True),
        ([], False),
    ],
)
def test_what_appconfig_lets_through_services_take(document: object, *, is_sound: bool) -> None:
    """Both check a document of flags, by the same rules; without `flags` AppConfig is the stricter one."""
    accepted = Draft4Validator(schema()).is_valid(document)
    try:
        Rollouts.model_validate_json(json.dumps(document))
    except ValidationError:
        taken = False
    else:
        taken = True

    assert taken is is_sound
    assert accepted is (is_sound and document != {})


def test_a_flag_that_nobody_declares_is_a_mistake() -> None:
    """A misspelt key would switch nothing."""
    validator = Draft4Validator(schema())

    assert validator.is_valid(json.loads((ROOT / "docs/flags.example.json").read_text()))
    assert not validator.is_valid({"flags": {"retrieval-rerang": {"value": True}}})


def test_who_declares_flags_reads_where_they_are() -> None:
    """And the other way round; each may reach AppConfig."""
    readers = {process.name: process for process in PROCESSES if process.uses(FlagSettings)}

    assert set(readers) == set(DECLARED)
    assert all(process.outbound for process in readers.values())


def test_stages_share_nothing() -> None:
    """Neither names nor addresses nor networks; what they have in common is the image."""
    for kind in ("name", "domain", "cidr", "prefix", "path", "namespace", "internal_zone"):
        assert len({getattr(stage, kind) for stage in STAGES}) == len(STAGES)


def _keys(schema: object) -> set[str]:
    if isinstance(schema, dict):
        return {*schema, *(key for one in schema.values() for key in _keys(one))}
    if isinstance(schema, list):
        return {key for one in schema for key in _keys(one)}
    return set()
