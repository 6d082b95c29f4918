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
MARKER = "knowledge.json"
AT_ONCE = 4


def is_needed(settings: LocalSettings, composition: Composition) -> bool:
    """Whether sample documents are wanted, can be loaded and have not been."""
    if not settings.sample_knowledge or "identity" not in composition.embedded:
        # Only the local identity provider has an editor to load them.
        return False
    fingerprint = _fingerprint(sample_files(KNOWLEDGE), composition.environment)
    return read_json(settings.local_dir / MARKER).get("loaded") != fingerprint


async def seed(api: str, log: Log, settings: LocalSettings, composition: Composition) -> None:
    """Questions find every sample document.

    What goes wrong is logged and tried again on the next start: the service is up all the same.

    Args:
        api: address of the ingest api.
        log: where the outcome is said.
        settings: of this run.
        composition: where the documents go, and who the editor is.
    """
    files = sample_files(KNOWLEDGE)
    log.say("loading the sample documents", documents=len(files))
    try:
        async with httpx.AsyncClient(trust_env=False) as http:
            token = await editor_token(http, composition.environment)
            slots = asyncio.Semaphore(AT_ONCE)
            loaded = await asyncio.gather(*(_load(http, api, path, token, slots) for path in files))
    except (httpx.HTTPError, SignInError, UploadError) as error:
        log.say(f"the sample knowledge is not complete: {error or type(error).__name__}", level="warning")
        return
    log.say(f"{sum(loaded)} of {len(files)} sample documents are searchable")
    if all(loaded):
        write_json(settings.local_dir / MARKER, {"loaded": _fingerprint(files, composition.environment)})


async def editor_token(http: httpx.AsyncClient, environment: Mapping[str, str]) -> str:
    """An access token of the local editor."""
    identity = Identity(
        user_pool_endpoint=environment["IDENTITY_ENDPOINT"],
        identity_pool_endpoint=environment["IDENTITY_ENDPOINT"],
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


async def _load(http: httpx.AsyncClient, api: str, path: Path, token: str, slots: asyncio.Semaphore) -> bool:
    async with slots:
        document = await upload(http, api, path, token=token, collection=COLLECTION)
        async for state in follow(http, api, str(document["id"]), token=token):
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
