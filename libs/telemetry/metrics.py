"""The metrics of the streams, in OpenTelemetry's messaging names; services keep their own beside their code."""

from prometheus_client import Counter, Gauge, Histogram

PROCESS_SECONDS = Histogram(
    "messaging_process_duration_seconds",
    "Time a handler worked on an entry",
    ["stream", "outcome"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120),
)
IN_HAND = Gauge("messaging_entries_in_hand", "Entries a worker is working on", ["stream"])
WAITING = Gauge(
    "messaging_entries_waiting",
    "Entries that no worker has taken; every worker of the stream says the same",
    ["stream", "partition"],
)
RETRIES = Counter("messaging_retries_total", "Entries put back after a failure", ["stream"])
DEAD_LETTERS = Counter("messaging_dead_letters_total", "Entries given up", ["stream"])
TAKEOVERS = Counter("messaging_takeovers_total", "Entries taken from a silent worker", ["stream"])


def begin(stream: str) -> None:
    """A worker of the stream says zero of what has not happened yet: the first time would else be no rise."""
    for metric in (IN_HAND, RETRIES, DEAD_LETTERS, TAKEOVERS):
        metric.labels(stream)
