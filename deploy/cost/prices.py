"""What AWS asks, in US dollars: list prices of us-east-1, without tax and without the free tier."""

from typing import NamedTuple

DATED = "2026-11-23"
SEEN = "public guides to AWS's price list, 2026"
CHECK = "as known from the price list of 2025, not seen again: check"


class Price(NamedTuple):
    """One line of the price list."""

    dollars: float
    unit: str
    source: str = SEEN


PRICES = {
    "fargate vcpu": Price(0.04048, "vCPU hour"),
    "fargate memory": Price(0.004445, "GB hour"),
    "fargate spot": Price(0.35, "share of the price on demand; it moves, and was 0.30 to 0.35"),
    "savings plan": Price(0.80, "share of the price on demand, one year without upfront", CHECK),
    "aurora capacity": Price(0.12, "ACU hour"),
    "aurora storage": Price(0.10, "GB month"),
    "aurora requests": Price(0.20, "million I/Os", CHECK),
    "aurora node db.r7g.large": Price(0.276, "hour, 2 vCPU and 16 GiB", CHECK),
    "aurora reserved": Price(0.66, "share of the price on demand, one year without upfront", CHECK),
    "cache.t4g.small": Price(0.0256, "node hour, Valkey", CHECK),
    "cache.t4g.medium": Price(0.052, "node hour, Valkey", CHECK),
    "cache.r7g.large": Price(0.1752, "node hour, Valkey", CHECK),
    "cache reserved": Price(0.68, "share of the price on demand, one year without upfront", CHECK),
    "nat gateway": Price(0.045, "hour"),
    "nat data": Price(0.045, "GB"),
    "endpoint": Price(0.01, "hour and zone"),
    "balancer": Price(0.0225, "hour", CHECK),
    "balancer capacity": Price(0.008, "LCU hour: 1 GB, or 3000 open connections", CHECK),
    "traffic out": Price(0.09, "GB"),
    "logs": Price(0.50, "GB taken in", CHECK),
    "metric": Price(0.30, "metric of ours, month", CHECK),
    "alarm": Price(0.10, "alarm, month", CHECK),
    "web acl": Price(10.0, "month, with five rules", CHECK),
    "web acl requests": Price(0.60, "million requests", CHECK),
    "small things": Price(15.0, "month: secrets, zone, images, keys, dashboard", CHECK),
    "embeddings": Price(0.02, "million tokens, text-embedding-3-small", CHECK),
}


def of(name: str) -> float:
    """The price's dollars."""
    return PRICES[name].dollars
