"""One suite for files that clients send straight to a blob store: a folder with our route, and S3 as moto plays it.

A client does the same for both: it posts the form's fields and then the file to the form's address.
"""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID, uuid4

import boto3
import httpx
import pytest
import requests
from boto3.exceptions import RetriesExceededError
from moto import mock_aws

from ingest_service.direct_api import FORM_PATH, form_router
from libs.blobs.forms import Form
from libs.blobs.incoming import DiskIncoming
from libs.blobs.key import sharded
from libs.blobs.s3 import S3Blobs
from libs.blobs.s3_errors import translated
from libs.errors import PermanentError, TransientError
from libs.service.app import build_app
from libs.service.health import Health

BUCKET = "eloquent-test-documents"
MAX_BYTES = 1_000_000
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Incoming(Protocol):
    """What the suite is about."""

    async def form(self, name: str, *, size_bytes: int, seconds: float) -> Form: ...
    def incoming(self, name: str) -> AbstractAsyncContextManager[Path | None]: ...
    async def discard(self, name: str) -> None: ...


class Answer(Protocol):
    """What both clients give back."""

    @property
    def status_code(self) -> int: ...

    def json(self) -> Any: ...


@dataclass
class Store:
    """A store and a client's way to it."""

    incoming: Incoming
    http: httpx.AsyncClient | None

    async def send(self, form: Form, content: bytes) -> Answer:
        """What every client does."""
        fields, files = dict(form.fields), {"file": ("any.bin", content)}
        if self.http is None:
            # What moto stands in for, where httpx would look for a real S3.
            return await asyncio.to_thread(requests.post, form.url, data=fields, files=files, timeout=10)
        return await self.http.post(form.url, data=fields, files=files)

    async def sent(self, name: str) -> bytes | None:
        async with self.incoming.incoming(name) as path:
            return None if path is None else await asyncio.to_thread(path.read_bytes)


@asynccontextmanager
async def a_folder(folder: Path, now: Callable[[], datetime]) -> AsyncIterator[Store]:
    incoming = DiskIncoming(folder / "blobs", form_url=FORM_PATH, clock=now)
    router = form_router(incoming, upload_dir=folder, upload_max_bytes=MAX_BYTES)
    app = build_app("test", title="Test", health=Health(), routers=[router], own_body_limits=[FORM_PATH])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as http:
        yield Store(incoming, http)


def set_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """As moto wants them."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(params=["folder", "s3"])
async def store(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Store]:
    if request.param == "folder":
        async with a_folder(tmp_path, lambda: NOON) as one:
            yield one
        return
    set_credentials(monkeypatch)
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        yield Store(S3Blobs(BUCKET, prefix="documents/"), None)


async def test_what_was_sent_waits_until_it_is_discarded(store: Store) -> None:
    """The bytes are there under their name, and gone when they are not wanted any more, also twice."""
    name, content = str(uuid4()), b"a large file" * 20_000
    form = await store.incoming.form(name, size_bytes=len(content), seconds=60)
    before = await store.sent(name)

    response = await store.send(form, content)

    assert (response.status_code, before) == (204, None)
    assert await store.sent(name) == content
    await store.incoming.discard(name)
    await store.incoming.discard(name)
    assert await store.sent(name) is None


async def test_a_form_names_one_file_and_its_size(store: Store) -> None:
    """Both are in what is signed: the name that the file gets, and the only length that it may have."""
    name = str(uuid4())

    form = await store.incoming.form(name, size_bytes=7_654_321, seconds=60)

    policy = base64.b64decode(form.fields["policy"]).decode()
    assert form.fields["key"].endswith(f"incoming/{name.replace('-', '')}")
    assert form.fields["key"] in policy
    assert "7654321" in policy


async def test_s3_copies_what_was_looked_at_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not travel twice; a file that was sent meanwhile is not stored under the other one's hash."""
    set_credentials(monkeypatch)
    with mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        blobs = S3Blobs(BUCKET, prefix="documents/")
        name, first, second = str(uuid4()), b"looked at", b"sent later"
        key, other = hashlib.sha256(first).hexdigest(), hashlib.sha256(b"never").hexdigest()
        waits_at = f"documents/incoming/{UUID(name).hex}"
        s3.put_object(Bucket=BUCKET, Key=waits_at, Body=first, Metadata={"came": "alone"})

        async with blobs.incoming(name) as path:
            assert path is not None
            await blobs.put(key, path)
            s3.put_object(Bucket=BUCKET, Key=waits_at, Body=second)
            await blobs.put(other, path)

        stored = s3.get_object(Bucket=BUCKET, Key=f"documents/{sharded(key)}")
        # What is copied brings its own facts along, what is sent anew has none.
        assert (stored["Body"].read(), stored["Metadata"]) == (first, {"came": "alone"})
        assert s3.get_object(Bucket=BUCKET, Key=f"documents/{sharded(other)}")["Body"].read() == first


def test_a_download_that_broke_off_again_and_again_is_tried_again() -> None:
    """The SDK's transfers have errors of their own, of another family than its requests'."""
    with pytest.raises(TransientError), translated():
        raise RetriesExceededError(OSError("cut"))


async def test_only_a_uuid_is_a_name(store: Store) -> None:
    """Nothing else ever becomes a path or an object's name."""
    with pytest.raises(PermanentError):
        await store.incoming.form("../../etc/passwd", size_bytes=1, seconds=60)
    with pytest.raises(PermanentError):
        await store.incoming.discard("")


async def test_a_folder_takes_what_its_form_says_and_nothing_else(tmp_path: Path) -> None:
    """Another name, a changed policy, another signature, no form, more bytes, fewer, and too late: nothing is kept."""
    times = [NOON]
    async with a_folder(tmp_path, lambda: times[-1]) as store:
        name = str(uuid4())
        form = await store.incoming.form(name, size_bytes=5, seconds=60)
        other = await store.incoming.form(str(uuid4()), size_bytes=9, seconds=60)
        (signature,) = set(form.fields) - {"key", "policy"}
        changed = [
            replace(form, fields={**form.fields, "key": other.fields["key"]}),
            replace(form, fields={**form.fields, "policy": other.fields["policy"]}),
            replace(form, fields={**form.fields, signature: "0" * 64}),
            replace(form, fields={}),
        ]

        refused = [(await store.send(one, b"12345")).json()["code"] for one in changed]
        more, fewer = await store.send(form, b"123456"), await store.send(form, b"1234")
        times.append(NOON + timedelta(seconds=60))
        late = await store.send(form, b"12345")

        assert refused == ["form_refused"] * 4
        assert (more.status_code, fewer.status_code, late.json()["code"]) == (413, 422, "form_refused")
        assert await store.sent(name) is None
        assert await store.sent(other.fields["key"].partition("/")[2]) is None


async def test_processes_that_share_a_folder_accept_each_others_forms(tmp_path: Path) -> None:
    """The secret is made once, by whoever comes first, and is for its owner alone."""
    async with a_folder(tmp_path, lambda: NOON) as one, a_folder(tmp_path, lambda: NOON) as other:
        name = str(uuid4())
        forms = await asyncio.gather(*(store.incoming.form(name, size_bytes=1, seconds=60) for store in (one, other)))

        answers = [await store.send(form, b"x") for form, store in zip(forms, (other, one), strict=True)]

    assert [answer.status_code for answer in answers] == [204, 204]
    assert ((tmp_path / "blobs" / ".form-secret").stat().st_mode & 0o777) == 0o600
