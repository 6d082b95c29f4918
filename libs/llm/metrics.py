"""What calls to models cost, in OpenTelemetry's GenAI names (Prometheus spelling)."""

from prometheus_client import Counter, Histogram

OPERATION_SECONDS = Histogram(
    "gen_ai_client_operation_duration_seconds",
    "Time of a call to a model, to its end; error_type is empty when it succeeded",
    ["gen_ai_request_model", "gen_ai_operation_name", "error_type"],
    buckets=(0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92),
)
FIRST_TOKEN_SECONDS = Histogram(
    "gen_ai_server_time_to_first_token_seconds",
    "Time from the request to the first text, tries included",
    ["gen_ai_request_model", "gen_ai_operation_name"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 30.0),
)
RATE_LIMITED = Counter("gen_ai_client_rate_limited_total", "Requests that an endpoint put off: over its rate limit")
TOKENS = Histogram(
    "gen_ai_client_token_usage",
    "Tokens of a call, as the endpoint counted them",
    ["gen_ai_request_model", "gen_ai_operation_name", "gen_ai_token_type"],
    buckets=(1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576),
)
