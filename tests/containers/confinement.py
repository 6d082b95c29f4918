"""What the running containers may and may not, asked of themselves."""

import re

from deploy.compose.dashboard import expressions
from deploy.compose.scraping import METRICS_PORTS, PORT, listening
from tests.containers.stack import Stack

OURS = 10001
KILLED = 137
STOP_SECONDS = 30
_METRICS = "from urllib.request import urlopen; print(urlopen('http://127.0.0.1:{port}/metrics').read().decode())"


async def nobody_is_root(stack: Stack) -> str:
    """No process is root, has a capability or can gain one; ours are the user of the image."""
    for name, status in _of_processes(stack, "cat /proc/1/status").items():
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        user = int(fields["Uid"].split()[0])
        assert user != 0, f"{name} is root"
        assert user == OURS or name not in listening(), f"{name} is user {user}"
        assert int(fields["CapEff"], 16) == int(fields["CapBnd"], 16) == 0, f"{name} has capabilities"
        assert fields["NoNewPrivs"] == "1", f"{name} can gain privileges"
    return "no capabilities"


async def nothing_can_be_changed(stack: Stack) -> str:
    """Neither code nor packages can be written to, whoever owns them."""
    command = "sh -c 'for at in / /app /opt /usr /etc; do touch $at/probe 2>&1; done; true'"
    answers = _of_processes(stack, command)
    for name, answer in answers.items():
        assert len(answer.splitlines()) == answer.count("touch:"), f"{name}: {answer}"
        assert "Read-only file system" in answer, f"{name}: {answer}"
    return f"{len(answers)} containers"


async def every_metric_is_emitted(stack: Stack) -> str:
    """Each metric of the dashboard is among those that the running processes show."""
    shown = ""
    for name in listening():
        asks = _METRICS.format(port=METRICS_PORTS.get(name, PORT))
        code, output = stack.containers()[name].exec_run(["python", "-c", asks])
        assert code == 0, f"{name}: {output.decode()}"
        shown += output.decode()
    families = set(re.findall(r"^# TYPE (\w+) ", shown, re.MULTILINE))
    without_labels = [re.sub(r"by \([^)]*\)", "", one) for one in expressions()]
    words = {word for one in without_labels for word in re.findall(r"[a-z]+(?:_[a-z]+){1,}", one)}
    asked = words - {"histogram_quantile", "rate_interval"}
    assert asked, "the dashboard asks for nothing"
    missing = {name for name in asked if not {name, re.sub(r"_(bucket|sum|count)$", "", name)} & families}
    assert not missing, f"nobody emits {', '.join(sorted(missing))}"
    return f"{len(asked)} metrics"


async def a_stop_is_heard(stack: Stack) -> str:
    """Every process ends by itself after SIGTERM; none has to be killed."""
    for name in listening():
        container = stack.containers()[name]
        container.stop(timeout=STOP_SECONDS)
        code = container.wait()["StatusCode"]
        assert code != KILLED, f"{name} had to be killed"
    return f"{len(listening())} processes"


def _of_processes(stack: Stack, command: str) -> dict[str, str]:
    running = {name: one for name, one in stack.containers().items() if one.status == "running"}
    return {name: one.exec_run(command)[1].decode() for name, one in running.items()}
