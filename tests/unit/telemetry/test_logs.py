"""Every line of a process is one JSON object, whoever writes it."""

import json
import subprocess
import sys

SAYS = """
import logging, warnings
import faststream.redis
from libs.telemetry.logs import configure_logs

handler = logging.StreamHandler()
handler.setFormatter(logging.Formatter("for people: %(message)s"))
logging.getLogger("a.library").addHandler(handler)
logging.getLogger("a.library").propagate = False
configure_logs("history")
logging.getLogger("a.library").warning("a library's")
try:
    raise LookupError("with what a user wrote")
except LookupError as error:
    logging.getLogger("faststream").critical("faststream's", exc_info=error)
warnings.warn("python's")
"""


def test_libraries_write_json_too() -> None:
    """FastStream, Python's warnings and whoever brought a handler of their own; errors without their words."""
    done = subprocess.run([sys.executable, "-c", SAYS], capture_output=True, text=True, check=True, timeout=60)

    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.stderr == ""
    assert [line["message"] for line in lines[:2]] == ["a library's", "faststream's"]
    assert "python's" in lines[2]["message"]
    assert {line["service"] for line in lines} == {"history"}
    assert lines[1]["error"] == "LookupError"
    assert "what a user wrote" not in done.stdout
