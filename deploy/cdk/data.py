"""What outlives a task: Aurora, Valkey, the bucket of documents, and the addresses with their passwords."""

from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import CfnResource, Duration, Fn, SecretValue
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_rds as rds
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from deploy.cdk.buckets import build_bucket
from deploy.cdk.config import APPLICATION, Stage
from deploy.cdk.environment import CALLBACKS
from deploy.cdk.logs import log_group, removal
from deploy.cdk.network import POSTGRES, VALKEY, Network

ISOLATED = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
_URL_UNSAFE = " %+~`#$&*()|[]{}:;<>?!'/@\"\\^=,"
"""Not in passwords, which stand in addresses."""


@dataclass(frozen=True)
class Data:
    """What the services and the alarms must know of it.

    Attributes:
        secrets: by the names of `deploy.cdk.environment`; addresses with their passwords, and the callbacks' proof.
        cache_nodes: the ids of Valkey's nodes, as metrics call them.
    """

    cluster: rds.DatabaseCluster
    bucket: s3.Bucket
    secrets: Mapping[str, secretsmanager.Secret]
    cache_nodes: tuple[str, ...]


def build_data(scope: Construct, stage: Stage, network: Network) -> Data:
    """Encrypted at rest and on the way; reachable from inside only."""
    cluster = _database(scope, stage, network)
    address, nodes = _cache(scope, stage, network)
    secret = cluster.secret
    password = secret.secret_value_from_json("password").unsafe_unwrap() if secret else ""
    postgres = {
        "database-url": cluster.cluster_endpoint.hostname,
        "reader-database-url": cluster.cluster_read_endpoint.hostname,
    }
    secrets = {
        name: _address(
            scope, stage, name, f"postgresql://{APPLICATION}:{password}@{host}:{POSTGRES}/{APPLICATION}?sslmode=require"
        )
        for name, host in postgres.items()
    }
    secrets["redis-url"] = _address(scope, stage, "redis-url", address)
    if stage.websocket_api:
        secrets[CALLBACKS] = secretsmanager.Secret(
            scope,
            CALLBACKS,
            secret_name=f"{stage.path}/{CALLBACKS}",
            description="What API Gateway shows the gateway with every callback",
            generate_secret_string=secretsmanager.SecretStringGenerator(exclude_punctuation=True, password_length=48),
            removal_policy=removal(stage),
        )
    return Data(cluster, build_bucket(scope, stage), secrets, nodes)


def _address(scope: Construct, stage: Stage, name: str, address: str) -> secretsmanager.Secret:
    # The template holds a reference to the password, which CloudFormation resolves; never the password.
    return secretsmanager.Secret(
        scope,
        name,
        secret_name=f"{stage.path}/{name}",
        secret_string_value=SecretValue.unsafe_plain_text(address),
        removal_policy=removal(stage),
    )


def _database(scope: Construct, stage: Stage, network: Network) -> rds.DatabaseCluster:
    settings = stage.database
    cluster = rds.DatabaseCluster(
        scope,
        "database",
        cluster_identifier=stage.prefix,
        engine=rds.DatabaseClusterEngine.aurora_postgres(version=rds.AuroraPostgresEngineVersion.VER_17_4),
        credentials=rds.Credentials.from_generated_secret(
            APPLICATION, secret_name=f"{stage.path}/database", exclude_characters=_URL_UNSAFE
        ),
        default_database_name=APPLICATION,
        writer=rds.ClusterInstance.serverless_v2("writer"),
        # The first one scales with the writer, so that it can take over at any moment.
        readers=[
            rds.ClusterInstance.serverless_v2(f"reader{number}", scale_with_writer=number == 1)
            for number in range(1, settings.readers + 1)
        ],
        serverless_v2_min_capacity=settings.min_capacity,
        serverless_v2_max_capacity=settings.max_capacity,
        vpc=network.vpc,
        vpc_subnets=ISOLATED,
        security_groups=[network.groups["database"]],
        storage_encrypted=True,
        iam_authentication=True,
        backup=rds.BackupProps(retention=Duration.days(settings.backup_days), preferred_window="02:00-03:00"),
        copy_tags_to_snapshot=True,
        cloudwatch_logs_exports=["postgresql"],
        parameters={"rds.force_ssl": "1", "log_min_duration_statement": "1000"},
        deletion_protection=stage.keep,
        removal_policy=removal(stage),
    )
    if settings.global_cluster:
        rds.CfnGlobalCluster(
            scope,
            "global-database",
            global_cluster_identifier=stage.prefix,
            source_db_cluster_identifier=cluster.cluster_identifier,
            deletion_protection=stage.keep,
        )
    return cluster


def _cache(scope: Construct, stage: Stage, network: Network) -> tuple[str, tuple[str, ...]]:
    """The address with its password, and the nodes' ids."""
    settings = stage.cache
    clustered = settings.shards > 1
    token = secretsmanager.Secret(
        scope,
        "cache-password",
        secret_name=f"{stage.path}/cache",
        generate_secret_string=secretsmanager.SecretStringGenerator(exclude_punctuation=True, password_length=64),
        removal_policy=removal(stage),
    )
    parameters = elasticache.CfnParameterGroup(
        scope,
        "cache-parameters",
        cache_parameter_group_family="valkey8",
        description=f"{stage.prefix}: work is refused when memory is full, never forgotten",
        properties={
            "maxmemory-policy": "noeviction",
            **({"cluster-enabled": "yes"} if clustered else {}),
        },
    )
    placed = elasticache.CfnSubnetGroup(
        scope,
        "cache-subnets",
        description=f"{stage.prefix}, isolated",
        subnet_ids=network.vpc.select_subnets(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED).subnet_ids,
    )
    password = token.secret_value.unsafe_unwrap()
    engine_log = log_group(scope, stage, "valkey")
    sizes: dict[str, object] = (
        {"num_node_groups": settings.shards, "replicas_per_node_group": settings.replicas}
        if clustered
        else {"num_cache_clusters": 1 + settings.replicas}
    )
    group = elasticache.CfnReplicationGroup(
        scope,
        "cache",
        replication_group_id=stage.prefix,
        replication_group_description=f"Streams and answer logs of {stage.prefix}",
        engine="valkey",
        engine_version="8.0",
        cache_node_type=settings.node,
        cache_parameter_group_name=parameters.ref,
        cache_subnet_group_name=placed.ref,
        security_group_ids=[network.groups["cache"].security_group_id],
        port=VALKEY,
        multi_az_enabled=True,
        automatic_failover_enabled=True,
        at_rest_encryption_enabled=True,
        transit_encryption_enabled=True,
        auth_token=password,
        snapshot_retention_limit=7 if stage.keep else 1,
        snapshot_window="03:00-04:00",
        log_delivery_configurations=[
            elasticache.CfnReplicationGroup.LogDeliveryConfigurationRequestProperty(
                destination_type="cloudwatch-logs",
                destination_details=elasticache.CfnReplicationGroup.DestinationDetailsProperty(
                    cloud_watch_logs_details=elasticache.CfnReplicationGroup.CloudWatchLogsDestinationDetailsProperty(
                        log_group=engine_log.log_group_name
                    )
                ),
                log_format="json",
                log_type="engine-log",
            )
        ],
        **sizes,
    )
    _keep(group, stage)
    host = group.attr_configuration_end_point_address if clustered else group.attr_primary_end_point_address
    scheme = "rediss+cluster" if clustered else "rediss"
    nodes = (
        tuple(
            f"{stage.prefix}-{shard:04}-{node:03}"
            for shard in range(1, settings.shards + 1)
            for node in range(1, settings.replicas + 2)
        )
        if clustered
        else tuple(f"{stage.prefix}-{node:03}" for node in range(1, settings.replicas + 2))
    )
    return Fn.join("", [f"{scheme}://:", password, "@", host, f":{VALKEY}/0"]), nodes


def _keep(resource: CfnResource, stage: Stage) -> None:
    resource.apply_removal_policy(removal(stage))
