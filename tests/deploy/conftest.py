"""The templates, synthesised once for all tests that read them."""

import json
import subprocess
import sys
import time

import pytest

from tests.deploy.templates import CDK, Resource, Templates, lint


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    """By stage and part; cdk-nag has found nothing that is not acknowledged, or the program would have failed."""
    out = tmp_path_factory.mktemp("cdk")
    began = time.monotonic()
    subprocess.run([sys.executable, "app.py"], cwd=CDK, env={"CDK_OUTDIR": str(out)}, check=True, timeout=500)
    print(f"all stages synthesised in {time.monotonic() - began:.0f} s")  # noqa: T201 - measured, not asserted
    found: dict[str, dict[str, Resource]] = {}
    for path in out.glob("assembly-*/*.template.json"):
        stage = path.parent.name.removeprefix("assembly-")
        part = path.name.removeprefix(stage)[:-22]
        found.setdefault(stage, {})[part] = json.loads(path.read_text())
    lint(out)
    return found
