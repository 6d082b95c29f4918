"""A worker that acknowledges what it has read, and works on it then."""

from libs.answers.scripts import ANNOUNCE, END
from libs.bus.entry import Entry
from libs.bus.scripts import BURY, HOP
from libs.bus.worker import Worker
from tests.fault.mutants import deaf
from tests.fault.mutants.scripts import replace

_CHECK = "if redis.call('XACK', KEYS[1], ARGV[1], ARGV[2]) == 0 then return false end"


def put_in() -> None:
    """The entry is gone before its handler begins; what the handler says is published all the same."""
    for script in (HOP, BURY, ANNOUNCE, END):
        replace(script, _CHECK, "")
    settle = Worker._settle

    async def acknowledge_first(self: Worker, entry: Entry) -> str:  # type: ignore[type-arg]
        await self._redis.xack(entry.key, entry.group, entry.entry_id)
        await self._redis.xdel(entry.key, entry.entry_id)
        return await settle(self, entry)

    Worker._settle = acknowledge_first  # type: ignore[method-assign]
    # The heartbeat would take for lost what is acknowledged.
    deaf.put_in()
