"""Several commands to a cluster, those to one node in order."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar, cast

from redis.asyncio.cluster import ClusterPipeline

from libs.bus.cluster_errors import as_elsewhere, one_command
from libs.bus.patience import AWAY

T = TypeVar("T")


class PatientClient(Protocol):
    """The client whose commands these are."""

    def doubt_map(self) -> None:
        """Whoever is next looks where the slots are now."""
        ...

    async def patiently(self, command: tuple[Any, ...], once: Callable[[], Awaitable[T]]) -> T:
        """What `once` returns, tried again while the node of this command is away."""
        ...


class Pipeline(ClusterPipeline):
    """As redis-py's, but it may call scripts, and what it reads it reads again while a node is away."""

    def evalsha(self, sha: str, numkeys: int, *keys_and_args: Any) -> ClusterPipeline:
        """Of one slot, as all our scripts are; redis-py forbids it for those that are not."""
        return self.execute_command("EVALSHA", sha, numkeys, *keys_and_args)

    async def execute(self, raise_on_error: bool = True, allow_redirections: bool = True) -> list[Any]:  # noqa: FBT001, FBT002
        client = cast("PatientClient", self.cluster_client)
        strategy: Any = self._execution_strategy
        commands = [(command.args, command.kwargs) for command in strategy._command_queue]  # noqa: SLF001 - to be sent again

        async def once() -> list[Any]:
            await strategy.reset()
            for args, options in commands:
                self.execute_command(*args, **options)
            try:
                with one_command():
                    replies = await super(Pipeline, self).execute(raise_on_error, allow_redirections)
            except AWAY:
                client.doubt_map()
                raise
            replies = [as_elsewhere(reply) if isinstance(reply, Exception) else reply for reply in replies]
            if any(isinstance(reply, AWAY) for reply in replies):
                client.doubt_map()
            return replies

        # Who wants errors as replies has a way of its own to go on.
        return await (client.patiently(commands[0][0], once) if commands and raise_on_error else once())
