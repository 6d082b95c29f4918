"""The graphs of the dashboard, as a table: what people notice first, then the streams, the models, documents."""

from deploy.cdk import signals
from deploy.cdk.processes import SERVICES
from deploy.cdk.signals import Signal

Row = tuple[str, str, tuple[tuple[Signal, dict[str, str]], ...]]
"""A title, a statistic of CloudWatch, and the lines: a signal with the values of its labels."""

_WORKER = {signals.PROCESS: "history-worker"}
ROWS: tuple[Row, ...] = (
    (
        "Turns that ended",
        "Sum",
        tuple((signals.TURNS, {**_WORKER, "status": status}) for status in ("completed", "cancelled", "failed")),
    ),
    (
        "From question to the end of its answer, seconds",
        "Average",
        ((signals.TURN_SECONDS, {**_WORKER, "status": "completed"}),),
    ),
    ("From question to first text, seconds", "Average", ((signals.FIRST_DELTA, {signals.PROCESS: "gateway"}),)),
    ("First token of the model, seconds", "Average", ((signals.FIRST_TOKEN, {signals.PROCESS: "generation"}),)),
    ("Open sockets of a gateway", "Average", ((signals.SOCKETS, {signals.PROCESS: "gateway"}),)),
    ("Questions that arrived", "Sum", ((signals.QUESTIONS, _WORKER),)),
    (
        "Waiting on a stream",
        "Average",
        tuple(
            (signals.WAITING, {signals.PROCESS: process.name, "stream": event.stream})
            for process in SERVICES
            for event in process.reads
        ),
    ),
    (
        "In hand of a task",
        "Average",
        tuple(
            (signals.IN_HAND, {signals.PROCESS: process.name, "stream": event.stream})
            for process in SERVICES
            for event in process.reads
        ),
    ),
    (
        "Trouble: retries, takeovers, dead letters",
        "Sum",
        tuple(
            (signal, {signals.PROCESS: process.name})
            for signal in (signals.RETRIES, signals.TAKEOVERS, signals.DEAD_LETTERS)
            for process in SERVICES
            if process.is_worker
        ),
    ),
    ("Turns opened again, turns given up", "Sum", ((signals.REOPENED, _WORKER), (signals.LOST, _WORKER))),
    (
        "Stages of a retrieval, seconds",
        "Average",
        tuple(
            (signals.RETRIEVAL_SECONDS, {signals.PROCESS: "retrieval", "stage": stage})
            for stage in ("condense", "embed", "vectors", "words", "rerank")
        ),
    ),
    (
        "Calls to models, seconds",
        "Average",
        (
            (signals.MODEL_SECONDS, {signals.PROCESS: "generation", "gen_ai_operation_name": "chat"}),
            (signals.MODEL_SECONDS, {signals.PROCESS: "retrieval", "gen_ai_operation_name": "embeddings"}),
        ),
    ),
    (
        "Tokens",
        "Sum",
        tuple(
            (signals.TOKENS, {signals.PROCESS: "generation", "gen_ai_token_type": kind}) for kind in ("input", "output")
        ),
    ),
    (
        "Documents that became searchable",
        "Sum",
        ((signals.VERSIONS, {signals.PROCESS: "ingest-worker", "outcome": "searchable"}),),
    ),
    (
        "Stages of a document, seconds",
        "Average",
        tuple(
            (signals.INGEST_SECONDS, {signals.PROCESS: "ingest-worker", "stage": stage})
            for stage in ("parsing", "embedding", "storing")
        ),
    ),
)
