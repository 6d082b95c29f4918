"""`prometheus.yml`: every process that listens is asked for its metrics, however many there are of it."""

from deploy.compose.processes import READS
from libs.config import ProcessSettings

_HEAD = """\
# Written by `make docs`. A name stands for all containers of a service, also after `docker compose up --scale`.
global: {scrape_interval: 10s, scrape_timeout: 5s}
scrape_configs:
"""
_JOB = """\
  - job_name: {name}
    dns_sd_configs: [{{names: [{name}], type: A, port: {port}, refresh_interval: 10s}}]
"""
PORT = 8000
METRICS_PORTS = {"gateway": 9464}
"""Of those whose other port strangers reach; it is not published."""
COLLECTOR_PORT = 8888


def scraping() -> str:
    """The file's text."""
    jobs = [_JOB.format(name=name, port=METRICS_PORTS.get(name, PORT)) for name in listening()]
    return _HEAD + "".join([*jobs, _JOB.format(name="otel-collector", port=COLLECTOR_PORT)])


def listening() -> list[str]:
    """The processes with a port."""
    return [name for name, kinds in READS.items() if any(issubclass(kind, ProcessSettings) for kind in kinds)]
