"""The real Compose, from the dependency group `deploy`."""

import importlib.util
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60.0


def compose_binary() -> Path | None:
    """Compose 2 itself, as its wrapper exits with 0 whatever happened; None without the group."""
    spec = importlib.util.find_spec("compose")
    if spec is None or not spec.submodule_search_locations:
        return None
    binary = Path(next(iter(spec.submodule_search_locations))) / "docker-compose"
    return binary if binary.is_file() else None


def compose_config(binary: Path, environment: Mapping[str, str], *options: str) -> subprocess.CompletedProcess[str]:
    """What Compose makes of the file, without the machine's environment and without `.env`."""
    return subprocess.run(
        [binary, "--env-file", "/dev/null", *options, "config", "--format", "json"],
        cwd=ROOT,
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def services(config: str) -> Mapping[str, Mapping[str, Any]]:
    """The services by their names."""
    found: Mapping[str, Mapping[str, Any]] = json.loads(config)["services"]
    return found
