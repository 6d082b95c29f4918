"""The metrics of ours that CloudWatch gets: what dashboards, alarms and scaling policies may name."""

from dataclasses import dataclass

from deploy.cdk.config import Stage

PROCESS = "process"
"""The one label the collector adds: which process said it."""
SPANS_ADDRESS = "127.0.0.1:4318"
"""Where the collector beside a process takes its spans."""


@dataclass(frozen=True)
class Signal:
    """A metric as the code registers it.

    Attributes:
        name: in Prometheus's spelling.
        labels: by which CloudWatch keeps it apart, beside the process.
    """

    name: str
    labels: tuple[str, ...] = ()


WAITING = Signal("messaging_entries_waiting", ("stream",))
IN_HAND = Signal("messaging_entries_in_hand", ("stream",))
RETRIES = Signal("messaging_retries_total")
TAKEOVERS = Signal("messaging_takeovers_total")
DEAD_LETTERS = Signal("messaging_dead_letters_total")
SOCKETS = Signal("gateway_sockets")
QUESTIONS = Signal("chat_questions_total")
TURNS = Signal("chat_turns_total", ("status",))
TURN_SECONDS = Signal("chat_turn_duration_seconds", ("status",))
REOPENED = Signal("chat_turns_reopened_total")
LOST = Signal("chat_turns_lost_total")
FIRST_DELTA = Signal("chat_time_to_first_delta_seconds")
FIRST_TOKEN = Signal("gen_ai_server_time_to_first_token_seconds")
MODEL_SECONDS = Signal("gen_ai_client_operation_duration_seconds", ("gen_ai_operation_name",))
TOKENS = Signal("gen_ai_client_token_usage", ("gen_ai_token_type",))
RETRIEVAL_SECONDS = Signal("retrieval_stage_duration_seconds", ("stage",))
VERSIONS = Signal("ingest_versions_total", ("outcome",))
INGEST_SECONDS = Signal("ingest_stage_duration_seconds", ("stage",))

SIGNALS = (
    *(WAITING, IN_HAND, RETRIES, TAKEOVERS, DEAD_LETTERS, SOCKETS, QUESTIONS, TURNS, TURN_SECONDS, REOPENED, LOST),
    *(FIRST_DELTA, FIRST_TOKEN, MODEL_SECONDS, TOKENS, RETRIEVAL_SECONDS, VERSIONS, INGEST_SECONDS),
)


def collector(stage: Stage, process: str, *, port: int, log_group: str) -> dict[str, object]:
    """The configuration of the collector beside a process: its metrics to CloudWatch by EMF, its spans to X-Ray."""
    pipelines: dict[str, object] = {
        "metrics": {"receivers": ["prometheus"], "processors": ["batch"], "exporters": ["awsemf"]}
    }
    receivers: dict[str, object] = {
        "prometheus": {
            "config": {
                "scrape_configs": [
                    {
                        "job_name": process,
                        "scrape_interval": "30s",
                        "static_configs": [{"targets": [f"127.0.0.1:{port}"], "labels": {PROCESS: process}}],
                    }
                ]
            }
        }
    }
    exporters: dict[str, object] = {
        "awsemf": {
            "namespace": stage.namespace,
            "log_group_name": log_group,
            "log_stream_name": process,
            "dimension_rollup_option": "NoDimensionRollup",
            # Or the first dead letter of a process would be the zero from which the next ones are counted.
            "retain_initial_value_of_delta_metric": True,
            "metric_declarations": [
                # Two dollars: the collector takes one for the beginning of a variable.
                {"dimensions": [[PROCESS, *signal.labels]], "metric_name_selectors": [f"^{signal.name}$$"]}
                for signal in SIGNALS
            ],
        }
    }
    if stage.tracing:
        receivers["otlp"] = {"protocols": {"http": {"endpoint": SPANS_ADDRESS}}}
        # What a trace is looked for by.
        exporters["awsxray"] = {"indexed_attributes": ["eloquent.answer_id", "gen_ai.conversation.id", "error.type"]}
        pipelines["traces"] = {"receivers": ["otlp"], "processors": ["batch"], "exporters": ["awsxray"]}
    return {
        "extensions": {"health_check": {}},
        "receivers": receivers,
        "processors": {"batch": {}},
        "exporters": exporters,
        "service": {"extensions": ["health_check"], "pipelines": pipelines},
    }
