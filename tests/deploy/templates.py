"""Reading templates of CloudFormation."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from deploy.cdk.config import STAGES

CDK = Path(__file__).resolve().parents[2] / "deploy" / "cdk"
Resource = dict[str, Any]
Templates = Mapping[str, Mapping[str, Resource]]
"""By stage and part; the stage `account` is what an account has once."""
EVERYWHERE = pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)


def lint(out: Path) -> None:
    """cfn-lint finds nothing in the templates of this synthesis."""
    program = str(Path(sys.executable).with_name("cfn-lint"))
    found = map(str, out.glob("*/*.template.json"))
    subprocess.run([program, "-i", "W3005", "W3045", "--", *found], check=True, timeout=300)


def of_kind(template: Resource, kind: str) -> list[Resource]:
    """The properties of all resources of this type."""
    return [one.get("Properties", {}) for one in template["Resources"].values() if one["Type"] == kind]


def texts(value: object) -> Iterator[str]:
    """Every text in it, keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield key
            yield from texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from texts(one)
