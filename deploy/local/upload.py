"""`python -m deploy.local.upload FILE|FOLDER...`: documents into the public collection, as the local editor.

Run again it goes on where it stopped: what is there already, with the same bytes, is no work.
"""

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

from deploy.local.client import is_local
from deploy.local.documents import UploadError, events, follow, upload
from deploy.local.environment import EDITOR_EMAIL
from deploy.local.settings import LocalSettings
from deploy.local.sign_in import Identity, SignInError, identity_of, user_token
from deploy.local.state import load_secrets
from deploy.local.upload_progress import Progress
from libs.config import load
from libs.tasks import end_tasks

COLLECTION = "public"
AT_ONCE = 4
PAUSE_SECONDS = 0.2
AGAIN_SECONDS = 1.0
LOOK_SECONDS = 3.0


def files_of(paths: Sequence[Path]) -> dict[str, Path]:
    """The files and those of the folders, hidden ones left out, by the name that each document gets.

    Documents have no folders: `guides/fees.md` becomes `guides - fees.md`, so that equal names do not meet.
    """
    found: dict[str, Path] = {}
    for path in paths:
        if path.is_file():
            found[path.name] = path
            continue
        for file in sorted(path.rglob("*")):
            inside = file.relative_to(path).parts
            if file.is_file() and not any(part.startswith(".") for part in inside):
                found[" - ".join(inside)] = file
    return found


async def upload_all(files: Mapping[str, Path], *, url: str, settings: LocalSettings) -> int:
    """The exit code, when every file is searchable, refused or has failed."""
    password = load_secrets(settings.local_dir).editor
    progress = Progress({name: path.stat().st_size for name, path in files.items()})
    async with httpx.AsyncClient(trust_env=not is_local(url)) as http:
        identity = await identity_of(url, http)
        token = await user_token(identity, http, email=EDITOR_EMAIL, password=password)
        waiting = iter(files.items())

        async def hand() -> None:
            for name, path in waiting:
                try:
                    document = await upload(
                        http, url, path, token=token, collection=COLLECTION, name=name, on_bytes=progress.sent
                    )
                except UploadError as error:
                    progress.refuse(name, str(error).removeprefix(f"{path.name}: "))
                else:
                    progress.accepted(name, document)

        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(_watch(http, url, identity, password, progress))
            async with asyncio.TaskGroup() as hands:
                for _ in range(AT_ONCE):
                    hands.create_task(hand())
            while waits := progress.waiting:
                # Events tell in a moment; a look now and then, should one have been lost on its way.
                await asyncio.sleep(LOOK_SECONDS if progress.still_seconds > LOOK_SECONDS else PAUSE_SECONDS)
                if progress.still_seconds > LOOK_SECONDS:
                    progress.changed(await anext(follow(http, url, waits[0], token=token)))
            await end_tasks(watching)
    progress.erase()
    summary = progress.summary()
    print(summary)
    return int(len(summary.splitlines()) > 1)


async def _watch(http: httpx.AsyncClient, url: str, identity: Identity, password: str, progress: Progress) -> None:
    """Until it is cancelled; a stream that ends is opened again where it was, with a new token."""
    since = ""
    while True:
        try:
            token = await user_token(identity, http, email=EDITOR_EMAIL, password=password)
            async for event_id, document in events(http, url, token=token, since=since):
                since = event_id
                progress.changed(document)
        except httpx.HTTPError:
            pass
        await asyncio.sleep(AGAIN_SECONDS)


def main() -> int:
    """Upload, as the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.local.upload", description="Upload documents that everybody may be answered from."
    )
    parser.add_argument("paths", nargs="+", type=Path, metavar="FILE|FOLDER")
    parser.add_argument("--url", default=None, help="address of the gateway")
    arguments = parser.parse_args()
    if missing := [str(path) for path in arguments.paths if not path.exists()]:
        print(f"not there: {', '.join(missing)}", file=sys.stderr)
        return 1
    files = files_of(arguments.paths)
    if not files:
        print("there is no file in this folder", file=sys.stderr)
        return 1
    (settings,) = load(LocalSettings)
    url = (arguments.url or settings.url).rstrip("/")
    try:
        return asyncio.run(upload_all(files, url=url, settings=settings))
    except* SignInError as errors:
        print(errors.exceptions[0], file=sys.stderr)
    except* httpx.HTTPError as errors:
        print(
            f"Nothing answers at {url} ({type(errors.exceptions[0]).__name__}). Is `make run` running?", file=sys.stderr
        )
    return 1


if __name__ == "__main__":
    sys.exit(main())
