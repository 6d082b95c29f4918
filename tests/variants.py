"""What a test run may be given instead of what it takes by itself, by environment variables.

TEST_REDIS_SERVER: path of another server than the embedded Valkey, such as Debian's `/usr/bin/redis-server`.
TEST_BUS_PARTITIONS: how many partitions the streams have where a test does not say it.
"""

import os
from pathlib import Path

_server = os.environ.get("TEST_REDIS_SERVER")
REDIS_SERVER: Path | None = Path(_server) if _server else None
BUS_PARTITIONS = int(os.environ.get("TEST_BUS_PARTITIONS") or 1)
