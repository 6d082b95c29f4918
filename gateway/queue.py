"""The order of a socket's questions: a session's next one is published when the one before is stored."""

import asyncio


class Place:
    """A question's place behind the one before it.

    Args:
        before: the place in front, None for the first.
    """

    def __init__(self, before: "Place | None") -> None:
        self._before = before
        self._passed = asyncio.Event()

    async def wait(self) -> None:
        """Returns when the question in front is stored, refused or gone."""
        if self._before is not None:
            # Published together, two questions could be stored in either order: several workers take them.
            await self._before._passed.wait()  # noqa: SLF001 - a place like this one
            self._before = None

    def pass_on(self) -> None:
        """Let the next one go."""
        self._passed.set()

    @property
    def is_passed(self) -> bool:
        """Whether nobody behind it needs to wait."""
        return self._passed.is_set()


class SessionQueues:
    """The last place of every session a socket asks in, taken as its frames arrive."""

    def __init__(self) -> None:
        self._last: dict[str, Place] = {}

    def join(self, session: str) -> Place:
        """A place behind the session's last one; sessions are told apart by the client's own ids."""
        self._last = {name: place for name, place in self._last.items() if not place.is_passed}
        place = self._last[session] = Place(self._last.get(session))
        return place
