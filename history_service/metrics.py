"""What history counts; no ids in labels."""

from typing import get_args

from prometheus_client import Counter, Histogram

from libs.contracts.values import AnswerStatus

TURNS = Counter("chat_turns_total", "Turns that ended", ["status"])
for status in get_args(AnswerStatus):
    # Zero is said of each, or the first failure would be no rise.
    TURNS.labels(status)
TURN_SECONDS = Histogram(
    "chat_turn_duration_seconds",
    "From the client's question to the end of its answer",
    ["status"],
    buckets=(0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120, 300),
)
QUESTIONS = Counter("chat_questions_total", "Questions that arrived", ["outcome"])
"""Outcomes: opened, queued, repeated (sent twice), ended (its answer is stored), refused (not the asker's session)."""
REOPENED = Counter("chat_turns_reopened_total", "Turns the sweeper opened again because nothing moved")
LOST = Counter("chat_turns_lost_total", "Turns the sweeper gave up")
