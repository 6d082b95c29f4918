"""Lua scripts from files, called by digest, loaded again when Redis forgot them."""

import hashlib
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from redis.exceptions import NoScriptError

from libs.bus.connection import Redis


class Script:
    """One script, made of one or more files: the last is its body, those before define functions for it.

    Args:
        package: where the files lie, such as `libs.bus.lua`.
        names: file names without `.lua`.
        before: scripts whose source is put in front.
    """

    def __init__(self, package: str, *names: str, before: str = "") -> None:
        sources = [files(package).joinpath(f"{name}.lua").read_text() for name in names]
        self.source = "\n".join([before, *sources])
        self.sha = hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest()

    async def run(self, redis: Redis, keys: Sequence[str], args: Sequence[str | bytes | int]) -> Any:
        """What the script returns; it is loaded first where the server does not know it."""
        try:
            return await redis.evalsha(self.sha, len(keys), *keys, *args)
        except NoScriptError:
            return await redis.eval(self.source, len(keys), *keys, *args)


HOP = Script("libs.bus.lua", "hop", "plain")
HOP_FUNCTIONS = files("libs.bus.lua").joinpath("hop.lua").read_text()
BURY = Script("libs.bus.lua", "bury", before=HOP_FUNCTIONS)
JANITOR = Script("libs.bus.lua", "janitor")
RELEASE = Script("libs.bus.lua", "release")
REPLAY = Script("libs.bus.lua", "replay")
WAITING = Script("libs.bus.lua", "waiting")
