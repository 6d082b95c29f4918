"""What differs between dev, staging and production; everything else is the same in all three."""

from dataclasses import dataclass, field

from libs.contracts.plans import PARTNER, TRIAL, Plan

APPLICATION = "eloquent"
OPENAI_HOST = "api.openai.com"


@dataclass(frozen=True)
class Database:
    """Aurora PostgreSQL Serverless v2, in Aurora capacity units of 2 GiB.

    Attributes:
        readers: instances that serve lists and take over.
        backup_days: how far back a point in time can be restored.
        global_cluster: makes the cluster the primary of a global one, to which other regions can be added.
    """

    min_capacity: float
    max_capacity: float
    readers: int = 1
    backup_days: int = 7
    global_cluster: bool = False


@dataclass(frozen=True)
class Cache:
    """ElastiCache for Valkey.

    Attributes:
        shards: more than one makes it a cluster; `partitions` should then be some for each.
        replicas: of each shard.
        partitions: of every stream (`BUS_PARTITIONS`).
    """

    node: str
    shards: int = 1
    replicas: int = 1
    partitions: int = 1


@dataclass(frozen=True)
class Pinecone:
    """Vectors in Pinecone; without it they are in Aurora, by pgvector.

    Attributes:
        index_host: of the index.
        endpoint_service: the name of Pinecone's PrivateLink service in the region, where the plan has one.
        dns_zone: the zone of its private host names.
    """

    index_host: str
    endpoint_service: str | None = None
    dns_zone: str | None = None


@dataclass(frozen=True)
class GitHub:
    """Where the code is, and what of it is delivered.

    Attributes:
        owner, name: of the repository.
        owner_id, repository_id: numbers that nobody else gets when a name is free again; `gh api repos/<owner>/<name>`
            has them as `owner.id` and `id`.
        branch: whose commits are built and released.
    """

    owner: str
    owner_id: int
    name: str
    repository_id: int
    branch: str = "main"

    @property
    def subject(self) -> str:
        """What the tokens of its runs begin with, the numbers among it (GitHub's default since July 2026)."""
        return f"repo:{self.owner}@{self.owner_id}/{self.name}@{self.repository_id}"


@dataclass(frozen=True)
class Stage:
    """One environment.

    Attributes:
        account: whose it is; None takes the account of whoever deploys.
        zones: availability zones, at least two.
        s3_prefix_list: the region's prefix list of S3, which `aws ec2 describe-managed-prefix-lists` shows.
        domain: the name clients know; its certificate is `/eloquent/<stage>/certificate-arn` in Parameter Store.
        nat_gateways: one per zone lives through the loss of a zone.
        origins: web pages that may use the API.
        callbacks: where the hosted UI may lead back to.
        log_days: retention of logs; one that CloudWatch knows.
        plans: of the keys of programs, API Gateway's and ours; a new key of ours has the first.
        keep: data outlives its stack, and nobody deletes it by mistake.
        smallest, largest: tasks of each service.
        social: identity providers; the secret `eloquent/<stage>/<provider>` has client_id and client_secret.
        websocket_api: clients may chat over API Gateway as well, by a WebSocket API and a network load balancer.
        tracing: spans are taken by the collector and sent to X-Ray.
        settings: values of Parameter Store that tasks get, by the name of the variable; changed there, then deployed.
    """

    name: str
    region: str
    zones: tuple[str, ...]
    cidr: str
    s3_prefix_list: str
    domain: str
    database: Database
    cache: Cache
    plans: tuple[Plan, ...]
    account: str | None = None
    nat_gateways: int = 1
    origins: tuple[str, ...] = ()
    callbacks: tuple[str, ...] = ()
    log_days: int = 30
    keep: bool = True
    smallest: int = 1
    largest: int = 4
    social: tuple[str, ...] = ()
    pinecone: Pinecone | None = None
    websocket_api: bool = True
    tracing: bool = True
    settings: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Hold what no type can.

        Raises:
            ValueError: a stage that would not live through the loss of a zone, or that is half configured.
        """
        if len(set(self.zones)) < 2:  # noqa: PLR2004 - a load balancer takes no fewer
            raise ValueError(f"{self.name}: at least two availability zones")
        if not all(zone.startswith(self.region) for zone in self.zones):
            raise ValueError(f"{self.name}: a zone is not in {self.region}")
        if self.pinecone and bool(self.pinecone.endpoint_service) != bool(self.pinecone.dns_zone):
            raise ValueError(f"{self.name}: Pinecone's PrivateLink needs its service and its zone")

    @property
    def prefix(self) -> str:
        """What the names of everything of this stage begin with."""
        return f"{APPLICATION}-{self.name}"

    @property
    def path(self) -> str:
        """The same for Parameter Store, Secrets Manager and log groups."""
        return f"{APPLICATION}/{self.name}"

    @property
    def namespace(self) -> str:
        """Of its metrics in CloudWatch."""
        return f"Eloquent/{self.name}"

    @property
    def internal_zone(self) -> str:
        """The DNS zone in which services find each other."""
        return f"{self.name}.{APPLICATION}.internal"


GITHUB = GitHub("example", 1, "eloquent", 1)

_MODELS = {
    "CHAT_MODEL": "gpt-4.1-mini",
    "EMBEDDING_MODEL": "text-embedding-3-small",
    "EMBEDDING_DIMENSIONS": "1536",
    "LOG_LEVEL": "INFO",
    "TRACING_SAMPLE_RATIO": "0.05",
}

DEV = Stage(
    name="dev",
    region="eu-central-1",
    zones=("eu-central-1a", "eu-central-1b"),
    cidr="10.20.0.0/16",
    s3_prefix_list="pl-6ea54007",
    domain="dev.eloquent.example",
    database=Database(min_capacity=0.5, max_capacity=4),
    cache=Cache(node="cache.t4g.small"),
    plans=(TRIAL,),
    callbacks=("http://localhost:3000/", "https://dev.eloquent.example/"),
    log_days=7,
    keep=False,
    largest=2,
    settings={**_MODELS, "LOG_LEVEL": "DEBUG", "TRACING_SAMPLE_RATIO": "1.0"},
)
STAGING = Stage(
    name="staging",
    region="eu-central-1",
    zones=("eu-central-1a", "eu-central-1b"),
    cidr="10.30.0.0/16",
    s3_prefix_list="pl-6ea54007",
    domain="staging.eloquent.example",
    database=Database(min_capacity=0.5, max_capacity=8),
    cache=Cache(node="cache.t4g.medium"),
    plans=(TRIAL, PARTNER),
    callbacks=("https://staging.eloquent.example/",),
    settings=_MODELS,
)
PRODUCTION = Stage(
    name="production",
    region="eu-central-1",
    zones=("eu-central-1a", "eu-central-1b", "eu-central-1c"),
    cidr="10.40.0.0/16",
    s3_prefix_list="pl-6ea54007",
    domain="eloquent.example",
    database=Database(min_capacity=2, max_capacity=64, backup_days=35),
    cache=Cache(node="cache.r7g.large", replicas=2),
    plans=(TRIAL, PARTNER),
    nat_gateways=3,
    callbacks=("https://eloquent.example/",),
    log_days=90,
    smallest=2,
    largest=20,
    settings=_MODELS,
)
STAGES = (DEV, STAGING, PRODUCTION)
