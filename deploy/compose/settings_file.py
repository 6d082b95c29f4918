"""`settings.yml`: which variables each container gets, so that none holds a secret it does not read."""

from deploy.compose.processes import READS, variables

_HEAD = """\
# What each process reads. Written by `make docs` from the settings classes; `docker-compose.yml` extends it.
# A variable without a value is taken from the environment or from `.env`, and left out where neither has it.
services:
"""


def settings_file() -> str:
    """The file's text."""
    return _HEAD + "\n".join(_service(process) for process in READS)


def _service(process: str) -> str:
    lines = "".join(f"      {name}:\n" for name in variables(process))
    return f"  {process}:\n    environment:\n{lines}"
