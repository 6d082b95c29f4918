"""`python -m tests.containers`: the images built, everything up, a cited answer, and what containers promise.

The exit code is 0 when all of it holds, 1 when something does not, 2 when this machine cannot try.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import docker.errors

from deploy.compose.passwords import NAMES
from tests.containers.chat import a_guest_gets_a_cited_answer, documents_are_searchable, the_page_is_there
from tests.containers.confinement import (
    a_stop_is_heard,
    every_metric_is_emitted,
    nobody_is_root,
    nothing_can_be_changed,
)
from tests.containers.engine import Engine, NotHereError, engine
from tests.containers.images import base_images, build, provide
from tests.containers.stack import TAG, Stack, UpError, up
from tests.containers.tools import compose_binary, compose_config, services

ENGINE_FOLDER = Path("/var/tmp/eloquent-containers")  # noqa: S108 - an engine's sockets need a short path; 0711, root's
PROMISES: tuple[Callable[[Stack], Awaitable[str]], ...] = (
    nobody_is_root,
    nothing_can_be_changed,
    documents_are_searchable,
    a_guest_gets_a_cited_answer,
    the_page_is_there,
    every_metric_is_emitted,
    a_stop_is_heard,
)


def main() -> int:
    """The exit code, when everything was tried and nothing is left running."""
    binary = compose_binary()
    if binary is None:
        print("Compose is missing; `make test-containers` installs it", file=sys.stderr)
        return 2
    try:
        with engine(ENGINE_FOLDER) as found:
            _images(found, binary)
            with up(found, binary) as stack:
                _say("everything is healthy", _since())
                return asyncio.run(_tried(stack))
    except NotHereError as error:
        print(f"Cannot try the containers here: {error}", file=sys.stderr)
        return 2
    except (UpError, docker.errors.DockerException) as error:
        print(error, file=sys.stderr)
        return 1


def _images(found: Engine, binary: Path) -> None:
    _say("engine", f"{found.client.version()['Version']}, {'started here' if found.ours else 'of this machine'}")
    config = compose_config(binary, dict.fromkeys(NAMES, "none")).stdout
    others = sorted({str(one["image"]) for one in services(config).values() if "build" not in one})
    for name, how in provide(found, [*base_images(), *others]).items():
        _say(name, how)
    for target, name in (("service", "eloquent"), ("local", "eloquent-local")):
        build(found, target, f"{name}:{TAG}")
        size = found.client.images.get(f"{name}:{TAG}").attrs["Size"]
        _say(f"{name}:{TAG}", f"built, {size / 1e6:.0f} MB, {_since()}")


async def _tried(stack: Stack) -> int:
    failed = 0
    for promise in PROMISES:
        what = promise.__name__.replace("_", " ")
        try:
            _say(what, await promise(stack))
        except Exception as error:  # noqa: BLE001 - whatever goes wrong is a promise that does not hold
            failed += 1
            _say(f"FAILED {what}", f"{type(error).__name__}: {error}")
    print(f"{len(PROMISES) - failed} passed, {failed} failed")
    return int(failed > 0)


def _say(what: str, how: str) -> None:
    print(f"{what}: {how}", flush=True)


def _since() -> str:
    return f"after {time.monotonic() - _BEGAN:.0f} s"


_BEGAN = time.monotonic()

if __name__ == "__main__":
    sys.exit(main())
