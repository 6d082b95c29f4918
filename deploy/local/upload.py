"""`python -m deploy.local.upload FILE...`: documents into the public collection, as the local editor."""

import argparse
import asyncio
import sys
from pathlib import Path

import httpx

from deploy.local.client import is_local
from deploy.local.documents import UploadError, follow, upload
from deploy.local.environment import EDITOR_EMAIL
from deploy.local.settings import LocalSettings
from deploy.local.sign_in import SignInError, identity_of, user_token
from deploy.local.state import load_secrets
from libs.config import load

COLLECTION = "public"


async def upload_all(files: list[Path], *, url: str, settings: LocalSettings) -> int:
    """The exit code, when every file is searchable or has failed."""
    password = load_secrets(settings.local_dir).editor
    failed = False
    async with httpx.AsyncClient(trust_env=not is_local(url)) as http:
        identity = await identity_of(url, http)
        token = await user_token(identity, http, email=EDITOR_EMAIL, password=password)
        for path in files:
            try:
                accepted = await upload(http, url, path, token=token, collection=COLLECTION)
                status = ""
                async for document in follow(http, url, str(accepted["id"]), token=token):
                    if document["status"] != status:
                        status = str(document["status"])
                        print(f"{path.name}: {status}", flush=True)
                failed = failed or status != "searchable"
            except UploadError as error:
                print(error, file=sys.stderr)
                failed = True
    return int(failed)


def main() -> int:
    """Upload, as the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.local.upload", description="Upload documents that everybody may be answered from."
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--url", default=None, help="address of the gateway")
    arguments = parser.parse_args()
    if missing := [str(path) for path in arguments.files if not path.is_file()]:
        print(f"not a file: {', '.join(missing)}", file=sys.stderr)
        return 1
    (settings,) = load(LocalSettings)
    url = (arguments.url or settings.url).rstrip("/")
    try:
        return asyncio.run(upload_all(arguments.files, url=url, settings=settings))
    except SignInError as error:
        print(error, file=sys.stderr)
    except httpx.HTTPError as error:
        print(f"Nothing answers at {url} ({type(error).__name__}). Is `make run` running?", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
