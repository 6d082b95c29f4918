"""docs/cost.md: what three sizes cost, by part and by how it is bought, and how much each takes."""

import textwrap
from collections.abc import Iterator
from dataclasses import replace

from deploy.cdk.config import PRODUCTION, STAGING
from deploy.cdk.processes import SERVICES
from deploy.cost import measured
from deploy.cost.bill import BUSY_HOURS, BUSY_SHARE, HOURS, Buying, Size, bill, models
from deploy.cost.capacity import chats_a_second, limits, tasks
from deploy.cost.measured import CPU_MS_A_CHAT, cpu_ms_a_chat
from deploy.cost.prices import DATED, PRICES

SIZES = (
    Size("small", STAGING, 20_000),
    Size("medium", PRODUCTION, 1_000_000),
    Size(
        "large",
        # What production's configuration becomes by then: more shards, as one thread would be full.
        replace(PRODUCTION, cache=replace(PRODUCTION.cache, shards=3, partitions=12), largest=60),
        20_000_000,
    ),
)
WAYS = (
    Buying("all on demand", spot=False),
    Buying("as declared: workers on Spot, Aurora by capacity"),
    Buying("and for a year what always runs", committed=True),
    Buying("and Aurora on two reserved nodes", committed=True, provisioned=True),
)
DECLARED = WAYS[1]


def document() -> str:
    """The whole text."""
    return "\n".join([*_head(), *_totals(), *_parts(), *_models(), *_capacity(), *_inputs(), *_prices()]) + "\n"


def _paragraph(*sentences: str) -> list[str]:
    return [*textwrap.wrap(" ".join(sentences), 118, break_long_words=False, break_on_hyphens=False), ""]


def _head() -> Iterator[str]:
    yield "# Cost and capacity"
    yield ""
    yield from _paragraph(
        "Written by `make docs` from [deploy/cost](../deploy/cost/bill.py):",
        "the stages' configuration, what a chat takes,",
        f"and list prices of {DATED} (us-east-1; Frankfurt asks 10 to 20 %",
        "more). Nothing was deployed, no bill was seen.",
        "Not in it: tax, support, the free tier, Cognito (by active users),",
        "API Gateway (for programs), traffic between",
        "zones, uploads, and growth of the documents.",
    )


def _totals() -> Iterator[str]:
    yield "## A month, in dollars, without models"
    yield ""
    yield "| | " + " | ".join(f"{size.name}: {size.chats:,} chats" for size in SIZES) + " |"
    yield "|---|" + "---|" * len(SIZES)
    for way in WAYS:
        yield f"| {way.name} | " + " | ".join(f"{sum(bill(size, way).values()):,.0f}" for size in SIZES) + " |"
    thousand = [sum(bill(size, DECLARED).values()) / size.chats * 1000 for size in SIZES]
    yield "| **per 1,000 chats, as declared** | " + " | ".join(f"**{one:,.2f}**" for one in thousand) + " |"
    yield ""


def _parts() -> Iterator[str]:
    yield "## By part, as declared"
    yield ""
    yield "| | " + " | ".join(size.name for size in SIZES) + " |"
    yield "|---|" + "---|" * len(SIZES)
    bills = [bill(size, DECLARED) for size in SIZES]
    for part in bills[0]:
        yield f"| {part} | " + " | ".join(f"{one[part]:,.0f}" for one in bills) + " |"
    yield ""
    yield from _paragraph(
        "Small and medium pay for being there in two or three zones, not for",
        "chats: their tasks, capacity units and nodes",
        "are the least that the configuration allows.",
    )


def _models() -> Iterator[str]:
    yield "## With the model"
    yield ""
    yield "| | " + " | ".join(size.name for size in SIZES) + " |"
    yield "|---|" + "---|" * len(SIZES)
    yield "| model and embeddings, a month | " + " | ".join(f"{models(size):,.0f}" for size in SIZES) + " |"
    whole = [(sum(bill(size, DECLARED).values()) + models(size)) / size.chats * 1000 for size in SIZES]
    yield "| all, per 1,000 chats | " + " | ".join(f"{one:,.2f}" for one in whole) + " |"
    yield ""
    yield from _paragraph(
        f"`{PRODUCTION.settings['CHAT_MODEL']}` at the prices of [libs/llm/prices.py](../libs/llm/prices.py);",
        f"{measured.PROMPT_TOKENS:,} tokens of prompt and {measured.ANSWER_TOKENS} of answer a chat.",
    )


def _capacity() -> Iterator[str]:
    yield "## How much it takes"
    yield ""
    yield "Chats a second at the largest each configuration allows; the least is the limit."
    yield ""
    names = list(limits(SIZES[0].stage))
    yield "| | " + " | ".join(size.name for size in SIZES) + " |"
    yield "|---|" + "---|" * len(SIZES)
    for name in names:
        yield f"| {name} | " + " | ".join(f"{limits(size.stage)[name]:,.0f}" for size in SIZES) + " |"
    least = [min(limits(size.stage).items(), key=lambda one: one[1]) for size in SIZES]
    yield "| **limit** | " + " | ".join(f"**{rate:,.0f}, {name}**" for name, rate in least) + " |"
    busy = [size.rates[0][1] for size in SIZES]
    yield "| needed in busy hours | " + " | ".join(f"{rate:,.1f}" for rate in busy) + " |"
    yield ""
    yield (
        "| process | ms of a core, a chat | chats a second, a task | tasks in busy hours: "
        + " | ".join(size.name for size in SIZES)
        + " |"
    )
    yield "|---|---|---|" + "---|" * len(SIZES)
    for process in (one for one in SERVICES if one.name in CPU_MS_A_CHAT):
        counts = " | ".join(str(tasks(process, size.stage, size.rates[0][1])) for size in SIZES)
        yield f"| {process.name} | {cpu_ms_a_chat(process.name):.1f} | {chats_a_second(process):,.0f} | {counts} |"
    yield ""


def _inputs() -> Iterator[str]:
    yield "## Inputs"
    yield ""
    yield from _paragraph(
        "*Measured* ([docs/benchmarks.md](benchmarks.md), 50 at once): the",
        "processor time of each process, of PostgreSQL",
        f"and of Valkey, for an answer of {measured.MEASURED_TOKENS} tokens;",
        f"for one of {measured.ANSWER_TOKENS} that of",
        "gateway, generation and Valkey is taken so many times more, which is too much.",
    )
    yield from _paragraph(
        "*Assumed* ([measured.py](../deploy/cost/measured.py)):",
        f"{BUSY_SHARE:.0%} of the chats come in {BUSY_HOURS} of",
        f"{HOURS} hours; a vCPU of Fargate is {measured.CORE_OF_A_VCPU} of a core, one of Valkey's nodes",
        f"{measured.CORE_OF_A_NODE}; {measured.STORED_BYTES_A_CHAT / 1000:.0f}",
        "kB are stored a chat and kept for a year,",
        f"{measured.SENT_BYTES_A_CHAT / 1000:.0f} kB sent; a socket is open for",
        f"{measured.SECONDS_A_PERSON_STAYS} s a chat.",
    )


def _prices() -> Iterator[str]:
    yield f"## Prices, {DATED}"
    yield ""
    yield "| | dollars | for | from |"
    yield "|---|---|---|---|"
    for name, price in PRICES.items():
        yield f"| {name} | {price.dollars:g} | {price.unit} | {price.source} |"
