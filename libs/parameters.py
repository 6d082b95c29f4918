"""AWS Systems Manager's Parameter Store: what processes outside ECS read their settings from."""

from botocore.exceptions import BotoCoreError, ClientError

TRIES = 5
TIMEOUT_SECONDS = 5.0
"""Of one try."""


class UnreadableError(Exception):
    """The parameters cannot be had; the message says why, and holds none of them."""


def read_parameters(path: str) -> dict[str, str]:
    """The parameters directly below a path, by the last part of their names, secrets decrypted.

    Credentials and region are found where boto3 looks for them.

    Args:
        path: such as `/eloquent/dev/settings`.

    Raises:
        UnreadableError: Parameter Store does not answer, refuses, or has nothing there.
    """
    import boto3
    from botocore.config import Config

    patience = Config(
        connect_timeout=TIMEOUT_SECONDS,
        read_timeout=TIMEOUT_SECONDS,
        retries={"mode": "standard", "total_max_attempts": TRIES},
    )
    try:
        pages = boto3.client("ssm", config=patience).get_paginator("get_parameters_by_path")
        found = {
            parameter["Name"].rpartition("/")[2]: str(parameter["Value"])
            for page in pages.paginate(Path=path, Recursive=False, WithDecryption=True)
            for parameter in page["Parameters"]
        }
    except ClientError as error:
        raise UnreadableError(error.response["Error"]["Code"]) from error
    except BotoCoreError as error:
        raise UnreadableError(str(error)) from error
    if not found:
        raise UnreadableError("there is nothing below it")
    return found
