"""What one chat takes: figures measured elsewhere, each with where it stands, and assumptions, each called one."""

CPU_MS_A_CHAT = {
    "gateway": 6.16,
    "history-api": 0.01,
    "history-worker": 3.80,
    "retrieval": 4.55,
    "generation": 11.40,
    "postgres": 4.03,
    "valkey": 2.78,
}
"""User and system time for a chat with an answer of 100 tokens, all of the process's work for it: docs/benchmarks.md of
2026-11-23, under "Where Eloquent's CPU goes", the row of 50 at once. The history API, which is only
asked for lists and rounds to nothing there, stands with the least that could be shown."""

MEASURED_TOKENS = 100
GROWS_WITH_THE_ANSWER = frozenset({"gateway", "generation", "valkey"})
"""Taken as proportional to the tokens of an answer, which is too much: a question has costs of its own."""

ANSWER_TOKENS = 300
"""Of an answer, with its citations; an assumption."""
PROMPT_TOKENS = 2500
"""Instructions, passages and the messages before; the budget of generation allows more; an assumption."""
QUERY_TOKENS = 30
"""That are embedded to search with; an assumption."""
STORED_BYTES_A_CHAT = 12_000
"""Question, answer, citations and indexes in PostgreSQL; an assumption."""
SENT_BYTES_A_CHAT = 60_000
"""To the client, frames and passages included; an assumption."""

INGRESS_BYTES_A_CHAT = 80_000
"""By NAT, to and from the model: the prompt, and an answer whose every token is an event of its own; an assumption."""
LOGGED_BYTES_A_CHAT = 4_000
"""About eight lines; an assumption."""
REQUESTS_A_CHAT = 4
"""That WAF sees: the socket, the session's list and messages, the page; an assumption."""
DATABASE_REQUESTS_A_CHAT = 40
"""Pages that Aurora reads and writes; an assumption."""
SECONDS_A_PERSON_STAYS = 120
"""With an open socket, for each chat; an assumption."""

METRICS = 130
ALARMS = 30
"""In CloudWatch; about as many as deploy/cdk has."""

ANSWER_SECONDS = 8.5
"""The model begins after 1 s and writes 40 tokens a second; an assumption: the benchmark's model is a fake."""
RETRIEVAL_SECONDS = 0.25
"""Nearly all of it waits for the embedding; an assumption."""
STORE_SECONDS = 0.02
"""History's transaction and hop, with Aurora in another zone; an assumption."""

CORE_OF_A_VCPU = 0.5
"""A vCPU of Fargate is a thread: half of a core such as those that were measured on; an assumption on the safe side."""

CORE_OF_A_NODE = 0.75
"""The same of a vCPU of Valkey's nodes, which is a core of Graviton; an assumption."""


def cpu_ms_a_chat(process: str) -> float:
    """Of one core, for an answer of `ANSWER_TOKENS`."""
    grows = ANSWER_TOKENS / MEASURED_TOKENS if process in GROWS_WITH_THE_ANSWER else 1.0
    return CPU_MS_A_CHAT[process] * grows
