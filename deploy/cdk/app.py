"""`python app.py`: the synthesis; `cdk.json` names it. `-c image=sha256:...` says which image tasks run."""

import sys
from pathlib import Path

# Started from its own folder, as the CDK's command line does; instead of it, where modules are called `logs` too.
sys.path[0] = str(Path(__file__).resolve().parents[2])

from deploy.cdk.node import choose_node  # noqa: E402 - after the path

choose_node()

from deploy.cdk.config import PRODUCTION, STAGES  # noqa: E402 - after Node.js is chosen
from deploy.cdk.stacks import build_account_of, build_stage, errors_of, new_app  # noqa: E402

UNRELEASED = "latest"


def main() -> int:
    """All stages and the account's part, or those of `-c stage=`, into the wanted folder; 1 when a rule is broken."""
    app = new_app()
    wanted = app.node.try_get_context("stage")
    image = app.node.try_get_context("image") or UNRELEASED
    for stage in STAGES:
        if wanted in {None, stage.name}:
            build_stage(app, stage, image=image)
    if wanted in {None, "account"}:
        build_account_of(app, PRODUCTION)
    errors = errors_of(app.synth())
    for error in errors:
        print(error, file=sys.stderr)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
