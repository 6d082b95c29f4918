"""The flags a service declares, for whoever is asking."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import count
from types import TracebackType
from typing import Self

from openfeature import api
from openfeature.evaluation_context import EvaluationContext
from openfeature.provider.no_op_provider import NoOpProvider

from libs.contracts.values import Principal
from libs.flags.exposures import Exposures
from libs.flags.provider import GROUPS, RolloutProvider
from libs.flags.settings import FlagSettings
from libs.flags.store import Read, Watch, from_agent, from_file
from libs.tasks import repeating

_instances = count()


@dataclass(frozen=True)
class Flag:
    """A switch, declared once beside what it switches.

    Attributes:
        key: its name in the store.
        default: while the store is away, or does not have it.
        meaning: what is so when it is on.
    """

    key: str
    default: bool
    meaning: str


class Flags:
    """Asks OpenFeature; an async context manager that follows the store while it is open.

    Args:
        declared: the flags of this process.
        read: gives the store's document; None where there is no store: then all have their defaults.
        every_seconds: the store is looked at.
    """

    def __init__(self, declared: Sequence[Flag], *, read: Read | None = None, every_seconds: float = 5.0) -> None:
        self._declared = {flag.key: flag for flag in declared}
        self._read = read
        self._every_seconds = every_seconds
        self._provider = RolloutProvider()
        # OpenFeature knows providers by a domain, for the whole process.
        self._domain = f"eloquent-{next(_instances)}"
        self._client = api.get_client(self._domain)
        self._client.add_hooks([Exposures()])
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        api.set_provider_and_wait(self._provider, self._domain)
        if self._read is not None:
            watch = Watch(self._read, self._provider, known=self._declared)
            await watch.look()
            await self._stack.enter_async_context(repeating(watch.look, every_seconds=self._every_seconds))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()
        api.set_provider(NoOpProvider(), self._domain)

    @classmethod
    def from_settings(cls, declared: Sequence[Flag], settings: FlagSettings) -> Self:
        """These flags, from the store of the settings."""
        read = None
        if settings.url is not None:
            read = from_agent(settings.url)
        elif settings.file is not None:
            read = from_file(settings.file)
        return cls(declared, read=read, every_seconds=settings.refresh_seconds)

    def is_on(self, flag: Flag, principal: Principal) -> bool:
        """Whether it is on for this principal; never fails.

        A person is known by the id of its user, which is derived from the token and says nothing about who it is.
        """
        person = EvaluationContext(str(principal.user_id), {GROUPS: list(principal.groups)})
        return self._client.get_boolean_value(flag.key, flag.default, person)
