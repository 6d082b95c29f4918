"""The sample knowledge base: loaded through the same door as any document, once."""

import asyncio
import hashlib
from collections.abc import Mapping
from pathlib import Path

import httpx

from deploy.local.documents import UploadError, follow, upload
from deploy.local.environment import Composition
from deploy.local.log_lines import Log
from deploy.local.settings import LocalSettings
from deploy.local.sign_in import Identity, SignInError, user_token
from deploy.local.state import read_json, write_json

KNOWLEDGE = Path(__file__).parent / "knowledge"
SUFFIXES = frozenset({".md", ".pdf", ".docx"})
COLLECTION = "public"
AT_ONCE = 4


async def seed(http: httpx.AsyncClient, log: Log, settings: LocalSettings, composition: Composition) -> None:
    """Questions find every sample document; nothing is sent when an earlier start got this far.

    What goes wrong is logged and tried again on the next start: the service is up all the same.
    """
    files = sample_files(KNOWLEDGE)
    marker = settings.local_dir / "knowledge.json"
    fingerprint = _fingerprint(files, composition.environment)
    if not settings.sample_knowledge or read_json(marker).get("loaded") == fingerprint:
        return
    if "identity" not in composition.embedded:
        log.say("the sample knowledge is not loaded: only the local identity provider has an editor to load it")
        return
    gateway = f"http://127.0.0.1:{settings.port}"
    try:
        token = await editor_token(http, composition.environment)
        slots = asyncio.Semaphore(AT_ONCE)
        loaded = await asyncio.gather(*(_load(http, gateway, path, token, slots) for path in files))
    except (httpx.HTTPError, SignInError, UploadError) as error:
        log.say(f"the sample knowledge is not complete: {error or type(error).__name__}", level="warning")
        return
    log.say(f"{sum(loaded)} of {len(files)} sample documents are searchable")
    if all(loaded):
        write_json(marker, {"loaded": fingerprint})


async def editor_token(http: httpx.AsyncClient, environment: Mapping[str, str]) -> str:
    """An access token of the local editor."""
    identity = Identity(
        endpoint=environment["IDENTITY_PUBLIC_URL"],
        identity_pool_id=environment["COGNITO_IDENTITY_POOL_ID"],
        user_pool_client_id=environment["COGNITO_CLIENT_ID"],
    )
    return await user_token(
        identity,
        http,
        email=environment["IDENTITY_EDITOR_EMAIL"],
        password=environment["IDENTITY_EDITOR_PASSWORD"],
    )


def sample_files(folder: Path) -> list[Path]:
    """The documents, without what they were made from."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix in SUFFIXES and "sources" not in path.relative_to(folder).parts
    )


async def _load(http: httpx.AsyncClient, gateway: str, path: Path, token: str, slots: asyncio.Semaphore) -> bool:
    async with slots:
        document = await upload(http, gateway, path, token=token, collection=COLLECTION)
        async for state in follow(http, gateway, str(document["id"]), token=token):
            document = state
    return bool(document["status"] == "searchable")


def _fingerprint(files: list[Path], environment: Mapping[str, str]) -> str:
    """Of the documents, and of where they would go: another database or index knows nothing of them."""
    digest = hashlib.sha256()
    for name in ("DATABASE_URL", "PINECONE_INDEX_HOST", "EMBEDDING_MODEL", "EMBEDDING_DIMENSIONS"):
        digest.update(f"{name}={environment.get(name, '')}\n".encode())
    for path in files:
        digest.update(f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()
