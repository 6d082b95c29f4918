"""The keys of blobs."""

import re

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
