"""The keys of blobs, and the names of files that are not blobs yet."""

import re
from uuid import UUID

from libs.errors import PermanentError

_SHA256 = re.compile(r"[0-9a-f]{64}")
SHARD_CHARACTERS = 2
"""256 folders of each level's first characters keep a listing short."""


def sharded(key: str) -> str:
    """Where a blob lies under its store's root.

    Raises:
        PermanentError: this is no hex SHA-256, so it never becomes a path.
    """
    if _SHA256.fullmatch(key) is None:
        raise PermanentError("a blob's key is the SHA-256 of its bytes in lower-case hex")
    first, second = key[:SHARD_CHARACTERS], key[SHARD_CHARACTERS : 2 * SHARD_CHARACTERS]
    return f"{first}/{second}/{key}"


def incoming_name(name: str) -> str:
    """The name under which a file waits that nobody has confirmed.

    Raises:
        PermanentError: this is no UUID, so it never becomes a path.
    """
    try:
        return UUID(name).hex
    except ValueError as error:
        raise PermanentError("a file on its way is named by a UUID") from error
