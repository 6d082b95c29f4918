"""The dashboard asks for what there is."""

import importlib
import re

import pytest
from prometheus_client import REGISTRY

from deploy.compose.dashboard import expressions

EMITTERS = (
    "gateway.wiring",
    "history_service.wiring",
    "retrieval_service.wiring",
    "generation_service.wiring",
    "ingest_service.wiring",
)
OF_PROMETHEUS = {"job", "instance", "le"}
METRIC = re.compile(r"\b([a-z][a-z_]+)(?=\[|\)\s*$|\))")
BY = re.compile(r"by \(([^)]*)\)")


@pytest.mark.parametrize("expression", expressions())
def test_a_metric_and_its_labels_exist(expression: str) -> None:
    """Every name in an expression is a metric that a service registers, and what it is grouped by is its label."""
    for module in EMITTERS:
        importlib.import_module(module)
    [groups] = BY.findall(expression) or [""]
    [name] = METRIC.findall(BY.sub("", expression))

    if name == "up":
        labels = set()
    else:
        collector = REGISTRY._names_to_collectors[name]
        labels = set(getattr(collector, "_labelnames", ()))
    assert {label.strip() for label in groups.split(",") if label} <= labels | OF_PROMETHEUS
