"""What dashboards, alarms and scaling policies look at is really said, by the process and with the labels they name."""

import re
from collections.abc import Iterator, Mapping
from uuid import uuid4

import httpx
import pytest
from prometheus_client.samples import Sample

from deploy.cdk.alarms import WATCHES
from deploy.cdk.graphs import ROWS
from deploy.cdk.processes import GATEWAY
from deploy.cdk.processes import SERVICES as PROCESSES
from deploy.cdk.signals import IN_HAND, PROCESS, SOCKETS, WAITING, Signal
from deploy.compose.dashboard import expressions
from tests.e2e.model import new_question
from tests.e2e.people import guest_of
from tests.e2e.stack import Stack
from tests.polling import eventually

SAMPLES_OF_A_HISTOGRAM = ("", "_count", "_sum", "_bucket")
OF_THE_SCRAPER = {"job", "instance", "le"}
ONLY_WITH_A_RERANKER = ("retrieval_stage_duration_seconds", "rerank")
Said = Mapping[str, list[Sample]]


@pytest.fixture(scope="module")
async def said(session_stack: Stack, http: httpx.AsyncClient) -> Said:
    """What each process says of itself after a chat, and after it has looked at its streams."""
    await session_stack.ready()
    await (await guest_of(session_stack, http)).ask(uuid4().hex, new_question())
    found: dict[str, list[Sample]] = {}

    async def is_all_said() -> bool:
        for process in PROCESSES:
            found[process.name] = await session_stack.metrics(process.name, http)
        waiting = {sample.labels["stream"] for one in found.values() for sample in one if sample.name == WAITING.name}
        return waiting >= {event.stream for process in PROCESSES if process.is_worker for event in process.reads}

    await eventually(is_all_said, within_seconds=30)
    return found


def lines() -> Iterator[tuple[Signal, Mapping[str, str]]]:
    """Each metric that CloudWatch is asked for, with its dimensions."""
    for watch in WATCHES:
        yield watch.signal, watch.by
    for _, _, row in ROWS:
        yield from row
    yield SOCKETS, {PROCESS: GATEWAY.name}
    for process in PROCESSES:
        for event in process.reads if process.is_worker else ():
            for signal in (WAITING, IN_HAND):
                yield signal, {PROCESS: process.name, "stream": event.stream}


def test_what_cloudwatch_is_asked_for_is_said(said: Said) -> None:
    """By that process; with those labels."""
    missing = [
        (signal.name, by)
        for signal, by in lines()
        if (signal.name, by.get("stage")) != ONLY_WITH_A_RERANKER
        and not any(
            sample.name.removeprefix(signal.name) in SAMPLES_OF_A_HISTOGRAM
            and {name: sample.labels.get(name) for name in signal.labels} == {name: by[name] for name in signal.labels}
            for sample in said[by[PROCESS]]
        )
    ]

    assert not missing, "\n".join(map(str, missing))


@pytest.mark.parametrize("expression", expressions())
def test_what_grafana_is_asked_for_is_said(expression: str, said: Said) -> None:
    """By some process; grouped by labels that it has."""
    groups = {label.strip() for group in re.findall(r"by \(([^)]*)\)", expression) for label in group.split(",")}
    [name] = re.findall(r"\b([a-z][a-z_]+)(?=\[|\)\s*$|\))", re.sub(r"by \([^)]*\)", "", expression))
    if name == "up":
        return
    labels = [set(sample.labels) for samples in said.values() for sample in samples if sample.name == name]

    assert labels
    assert all(groups <= one | OF_THE_SCRAPER for one in labels)
