"""A month's bill of a stage under a load, line by line."""

from dataclasses import dataclass

from deploy.cdk.config import Stage
from deploy.cdk.processes import SERVICES, Process
from deploy.cost import measured
from deploy.cost.capacity import VCPU, capacity_units, tasks
from deploy.cost.prices import of
from libs.llm.prices import PriceSettings

HOURS = 730
BUSY_HOURS = 220
BUSY_SHARE = 0.8
"""Ten hours of 22 days bring four fifths of the chats."""
ENDPOINTS = 6
"""Interface endpoints of the network, in each zone."""
GB = 1e9
MILLION = 1e6
MONTHS_KEPT = 12


@dataclass(frozen=True)
class Size:
    """A stage and what is asked of it.

    Attributes:
        chats: a month.
    """

    name: str
    stage: Stage
    chats: int

    @property
    def rates(self) -> tuple[tuple[float, float], ...]:
        """Hours, and chats a second in them: busy ones, then the others."""
        busy, quiet = self.chats * BUSY_SHARE, self.chats * (1 - BUSY_SHARE)
        return (
            (BUSY_HOURS, busy / BUSY_HOURS / 3600),
            (HOURS - BUSY_HOURS, quiet / (HOURS - BUSY_HOURS) / 3600),
        )


@dataclass(frozen=True)
class Buying:
    """How it is bought.

    Attributes:
        spot: workers but for one task each.
        committed: what always runs, for a year.
        provisioned: Aurora on two nodes of a fixed size, instead of capacity by the second.
    """

    name: str
    spot: bool = True
    committed: bool = False
    provisioned: bool = False


def bill(size: Size, buying: Buying) -> dict[str, float]:
    """Dollars a month, by part."""
    return {
        "tasks": sum(_tasks(process, size, buying) for process in SERVICES),
        "database": _database(size, buying),
        "cache": _cache(size, buying),
        "network": _network(size),
        "watching": _watching(size),
        "small things": of("small things"),
    }


def models(size: Size) -> float:
    """Dollars a month for the model that answers and the one that embeds questions."""
    # What is published, whatever this environment says.
    published = PriceSettings(model_prices=PriceSettings.model_fields["model_prices"].default)
    price = published.price_of(size.stage.settings["CHAT_MODEL"])
    chat = (measured.PROMPT_TOKENS * price.input + measured.ANSWER_TOKENS * price.output) / MILLION
    return size.chats * (chat + measured.QUERY_TOKENS * of("embeddings") / MILLION)


def _tasks(process: Process, size: Size, buying: Buying) -> float:
    hourly = process.cpu / VCPU * of("fargate vcpu") + process.memory / VCPU * of("fargate memory")
    always = min(tasks(process, size.stage, rate) for _, rate in size.rates)
    dollars = 0.0
    for hours, rate in size.rates:
        wanted = tasks(process, size.stage, rate)
        on_demand = 1 if process.is_worker and buying.spot else wanted
        kept = min(always, on_demand)
        share = of("savings plan") if buying.committed else 1.0
        dollars += hours * hourly * (kept * share + (on_demand - kept) + (wanted - on_demand) * of("fargate spot"))
    return dollars


def _database(size: Size, buying: Buying) -> float:
    instances = 1 + size.stage.database.readers
    if buying.provisioned:
        computing = (
            HOURS * instances * of("aurora node db.r7g.large") * (of("aurora reserved") if buying.committed else 1)
        )
    else:
        units = sum(hours * capacity_units(size.stage, rate) for hours, rate in size.rates)
        computing = units * instances * of("aurora capacity")
    stored = size.chats * MONTHS_KEPT * measured.STORED_BYTES_A_CHAT / GB
    requests = size.chats * measured.DATABASE_REQUESTS_A_CHAT / MILLION
    return computing + stored * of("aurora storage") + requests * of("aurora requests")


def _cache(size: Size, buying: Buying) -> float:
    cache = size.stage.cache
    share = of("cache reserved") if buying.committed else 1.0
    return HOURS * cache.shards * (1 + cache.replicas) * of(cache.node) * share


def _network(size: Size) -> float:
    stage = size.stage
    out = size.chats * measured.SENT_BYTES_A_CHAT / GB
    sockets = sum(hours * rate for hours, rate in size.rates) * measured.SECONDS_A_PERSON_STAYS / 3000
    return (
        HOURS * stage.nat_gateways * of("nat gateway")
        + size.chats * measured.INGRESS_BYTES_A_CHAT / GB * of("nat data")
        + HOURS * ENDPOINTS * len(stage.zones) * of("endpoint")
        + HOURS * of("balancer")
        + max(sockets, out) * of("balancer capacity")
        + out * of("traffic out")
        + of("web acl")
        + size.chats * measured.REQUESTS_A_CHAT / MILLION * of("web acl requests")
    )


def _watching(size: Size) -> float:
    logs = size.chats * measured.LOGGED_BYTES_A_CHAT / GB
    return measured.METRICS * of("metric") + measured.ALARMS * of("alarm") + logs * of("logs")
