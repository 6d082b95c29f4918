"""How answers end; what calls to models cost is counted in `libs.llm.metrics`."""

from prometheus_client import Counter

ANSWERS = Counter("generation_answers_total", "Answers by how they ended", ["status", "failure"])
