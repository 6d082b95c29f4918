"""Buckets: of documents, and of who asked for what."""

from aws_cdk import Duration
from aws_cdk import aws_s3 as s3
from constructs import Construct

from deploy.cdk.config import Stage
from deploy.cdk.logs import removal
from libs.blobs.forms import INCOMING

ACCESS_DAYS = 90


def access_logs(scope: Construct, stage: Stage, name: str) -> s3.Bucket:
    """Where a bucket or a load balancer says who came, for some months."""
    return s3.Bucket(
        scope,
        name,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        encryption=s3.BucketEncryption.S3_MANAGED,
        enforce_ssl=True,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        lifecycle_rules=[s3.LifecycleRule(expiration=Duration.days(ACCESS_DAYS))],
        removal_policy=removal(stage),
    )


def build_bucket(scope: Construct, stage: Stage) -> s3.Bucket:
    """Documents by the hash of their bytes: written once, never changed, deleted when no version has them."""
    return s3.Bucket(
        scope,
        "documents",
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        encryption=s3.BucketEncryption.KMS_MANAGED,
        enforce_ssl=True,
        minimum_tls_version=1.2,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        versioned=True,
        server_access_logs_bucket=access_logs(scope, stage, "document-accesses"),
        # Pages send large files with a form that names and limits them; nothing can be read with one.
        cors=[
            s3.CorsRule(
                allowed_methods=[s3.HttpMethods.POST],
                allowed_origins=[f"https://{stage.domain}", *stage.origins],
                allowed_headers=["*"],
                max_age=3600,
            )
        ],
        lifecycle_rules=[
            s3.LifecycleRule(abort_incomplete_multipart_upload_after=Duration.days(1)),
            # Ingest collects what nobody confirmed an hour after its form expired; this is for when it does not run.
            s3.LifecycleRule(
                prefix=INCOMING, expiration=Duration.days(1), noncurrent_version_expiration=Duration.days(1)
            ),
            # What somebody deleted is gone for good after a month; until then a mistake can be undone.
            s3.LifecycleRule(noncurrent_version_expiration=Duration.days(30)),
            s3.LifecycleRule(
                transitions=[
                    s3.Transition(storage_class=s3.StorageClass.INTELLIGENT_TIERING, transition_after=Duration.days(30))
                ]
            ),
        ],
        removal_policy=removal(stage),
    )
