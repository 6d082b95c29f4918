"""The Grafana dashboard: a row for what people notice, then one for each part; a test holds its metrics to the code."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

COLUMNS = 24
WIDTH, HEIGHT = 8, 7
SOURCE = {"type": "prometheus", "uid": "prometheus"}


@dataclass(frozen=True)
class Panel:
    """One graph.

    Attributes:
        unit: as Grafana calls it.
        lines: expressions, each with the legend of its lines.
    """

    title: str
    unit: str
    lines: tuple[tuple[str, str], ...]


def _rate(counter: str, *, by: str) -> tuple[str, str]:
    return f"sum by ({by}) (rate({counter}[$__rate_interval]))", f"{{{{{by}}}}}"


def _quantiles(histogram: str, *, by: str = "") -> tuple[tuple[str, str], ...]:
    group, legend = (f"le, {by}", f"{{{{{by}}}}} ") if by else ("le", "")
    return tuple(
        (
            f"histogram_quantile({quantile}, sum by ({group}) (rate({histogram}_bucket[$__rate_interval])))",
            f"{legend}p{quantile * 100:g}",
        )
        for quantile in (0.5, 0.95)
    )


ROWS: tuple[tuple[str, tuple[Panel, ...]], ...] = (
    (
        "What people notice",
        (
            Panel("Turns that ended", "ops", (_rate("chat_turns_total", by="status"),)),
            Panel("From question to the end of its answer", "s", _quantiles("chat_turn_duration_seconds")),
            Panel("From question to first text", "s", _quantiles("chat_time_to_first_delta_seconds")),
            Panel("First token of the model", "s", _quantiles("gen_ai_server_time_to_first_token_seconds")),
            Panel("Open chat sockets", "short", (("sum by (instance) (gateway_sockets)", "{{instance}}"),)),
            Panel("Questions that arrived", "ops", (_rate("chat_questions_total", by="outcome"),)),
            Panel("Answers by how they ended", "ops", (_rate("generation_answers_total", by="status"),)),
        ),
    ),
    (
        "Streams",
        (
            Panel("In hand", "short", (("sum by (stream) (messaging_entries_in_hand)", "{{stream}}"),)),
            Panel("Time of a handler", "s", _quantiles("messaging_process_duration_seconds", by="stream")),
            Panel(
                "Trouble",
                "ops",
                (
                    ("sum(rate(messaging_retries_total[$__rate_interval]))", "put back after a failure"),
                    ("sum(rate(messaging_takeovers_total[$__rate_interval]))", "taken from a silent worker"),
                    ("sum(rate(messaging_dead_letters_total[$__rate_interval]))", "given up"),
                    ("sum(rate(chat_turns_reopened_total[$__rate_interval]))", "turns opened again"),
                ),
            ),
        ),
    ),
    (
        "Retrieval and models",
        (
            Panel("Stages of a retrieval", "s", _quantiles("retrieval_stage_duration_seconds", by="stage")),
            Panel("Looks into caches", "ops", (_rate("retrieval_cache_lookups_total", by="outcome"),)),
            Panel(
                "Calls to models",
                "s",
                _quantiles("gen_ai_client_operation_duration_seconds", by="gen_ai_operation_name"),
            ),
            Panel("Tokens", "ops", (_rate("gen_ai_client_token_usage_sum", by="gen_ai_token_type"),)),
        ),
    ),
    (
        "Documents",
        (
            Panel("Received", "ops", (_rate("ingest_uploads_total", by="outcome"),)),
            Panel("Versions that ended", "ops", (_rate("ingest_versions_total", by="outcome"),)),
            Panel("Stages of a version", "s", _quantiles("ingest_stage_duration_seconds", by="stage")),
        ),
    ),
    (
        "Processes",
        (
            Panel("Up", "short", (("min by (job) (up)", "{{job}}"),)),
            Panel("Cores", "short", (_rate("process_cpu_seconds_total", by="job"),)),
            Panel("Memory", "bytes", (("sum by (job) (process_resident_memory_bytes)", "{{job}}"),)),
        ),
    ),
)


def expressions() -> list[str]:
    """All that the dashboard asks Prometheus."""
    return [expression for _, panels in ROWS for panel in panels for expression, _ in panel.lines]


def dashboard() -> str:
    """The file's text."""
    content = {
        "uid": "eloquent",
        "title": "Eloquent",
        "schemaVersion": 39,
        "editable": False,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "panels": list(_placed()),
    }
    return json.dumps(content, indent=1) + "\n"


def _placed() -> Iterator[dict[str, Any]]:
    top, number = 0, 0
    for title, panels in ROWS:
        number += 1
        yield {"id": number, "type": "row", "title": title, "gridPos": {"x": 0, "y": top, "w": COLUMNS, "h": 1}}
        top += 1
        for n, panel in enumerate(panels):
            number += 1
            across, down = n % (COLUMNS // WIDTH), n // (COLUMNS // WIDTH)
            place = {"x": across * WIDTH, "y": top + down * HEIGHT, "w": WIDTH, "h": HEIGHT}
            yield {"id": number, "type": "timeseries", "gridPos": place, **_graph(panel)}
        top += -(-len(panels) // (COLUMNS // WIDTH)) * HEIGHT


def _graph(panel: Panel) -> dict[str, Any]:
    return {
        "title": panel.title,
        "datasource": SOURCE,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + n), "datasource": SOURCE, "expr": expression, "legendFormat": legend}
            for n, (expression, legend) in enumerate(panel.lines)
        ],
    }
