"""What people notice of the gateway; no ids in labels."""

from prometheus_client import Gauge, Histogram

SOCKETS = Gauge("gateway_sockets", "Open chat sockets")
FIRST_DELTA_SECONDS = Histogram(
    "chat_time_to_first_delta_seconds",
    "From a question's arrival at the gateway to the first text of its answer that the client was sent: the service "
    "level. Not counted are answers without text, and what was under way already",
    buckets=(0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 8, 15, 30, 60),
)
