"""One suite for every blob store: the folder, and S3 as moto plays it."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

import boto3
import pytest
from moto import mock_aws

from libs.blobs.disk import DiskBlobs
from libs.blobs.pieces import PIECE_BYTES
from libs.blobs.s3 import PART_BYTES, S3Blobs
from libs.errors import PermanentError, TransientError

BUCKET = "eloquent-test-documents"


class Blobs(Protocol):
    """What the suite is about."""

    async def put(self, key: str, source: Path) -> None: ...
    async def has(self, key: str) -> bool: ...
    def local(self, key: str) -> AbstractAsyncContextManager[Path]: ...
    def pieces(self, key: str, *, start: int, end: int) -> AbstractAsyncContextManager[AsyncIterator[bytes]]: ...
    async def delete(self, key: str) -> None: ...
    async def check(self) -> None: ...


@pytest.fixture(params=["disk", "s3"])
async def blobs(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Blobs]:
    if request.param == "disk":
        yield DiskBlobs(tmp_path / "blobs")
        return
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        where = {"LocationConstraint": "eu-central-1"}
        boto3.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration=where)
        yield S3Blobs(BUCKET, prefix="documents/")


def a_file(folder: Path, content: bytes = b"some bytes") -> tuple[str, Path]:
    path = folder / "source"
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest(), path


async def test_what_was_put_is_read_again(blobs: Blobs, tmp_path: Path) -> None:
    """The bytes come back, and the source stays."""
    key, source = a_file(tmp_path)

    await blobs.put(key, source)

    async with blobs.local(key) as path:
        assert path.read_bytes() == b"some bytes"
    assert source.exists()
    assert await blobs.has(key)


async def test_a_large_blob_travels_in_parts(blobs: Blobs, tmp_path: Path) -> None:
    """More than two parts come back in order."""
    content = bytes(range(256)) * (2 * PART_BYTES // 256 + 1)
    key, source = a_file(tmp_path, content)

    await blobs.put(key, source)

    async with blobs.local(key) as path:
        assert hashlib.sha256(path.read_bytes()).hexdigest() == key


@pytest.mark.parametrize(("start", "end"), [(0, 3 * PIECE_BYTES + 7), (PIECE_BYTES - 1, 2 * PIECE_BYTES)])
async def test_any_part_comes_in_pieces(blobs: Blobs, tmp_path: Path, start: int, end: int) -> None:
    """In order, no larger than a piece, exactly what was asked for, though the blob is deleted meanwhile."""
    content = bytes(range(256)) * (3 * PIECE_BYTES // 256) + b"the end"
    key, source = a_file(tmp_path, content)
    await blobs.put(key, source)

    async with blobs.pieces(key, start=start, end=end) as pieces:
        await blobs.delete(key)
        found = [piece async for piece in pieces]

    assert b"".join(found) == content[start:end]
    assert max(map(len, found)) <= PIECE_BYTES


async def test_putting_twice_is_putting_once(blobs: Blobs, tmp_path: Path) -> None:
    """A repeated upload is no error and changes nothing."""
    key, source = a_file(tmp_path)
    await blobs.put(key, source)

    await blobs.put(key, source)

    assert await blobs.has(key)


async def test_a_deleted_blob_is_gone(blobs: Blobs, tmp_path: Path) -> None:
    """Deleting works, also twice; reading it says so."""
    key, source = a_file(tmp_path)
    await blobs.put(key, source)

    await blobs.delete(key)
    await blobs.delete(key)

    assert not await blobs.has(key)
    with pytest.raises(PermanentError):
        async with blobs.local(key):
            pass
    with pytest.raises(PermanentError):
        async with blobs.pieces(key, start=0, end=1):
            pass


@pytest.mark.parametrize("key", ["../../etc/passwd", "", "A" * 64, "0" * 63, "0" * 63 + "/", "0" * 64 + "\n"])
async def test_only_a_hash_is_a_key(blobs: Blobs, tmp_path: Path, key: str) -> None:
    """Nothing else ever becomes a path or an object's name."""
    _, source = a_file(tmp_path)

    with pytest.raises(PermanentError):
        await blobs.put(key, source)
    with pytest.raises(PermanentError):
        await blobs.has(key)


async def test_a_store_that_works_is_ready(blobs: Blobs) -> None:
    """The check of a working store returns."""
    await blobs.check()


async def test_a_broken_transfer_leaves_nothing(tmp_path: Path) -> None:
    """A source that cannot be read makes an error that is tried again, and no half blob."""
    store = DiskBlobs(tmp_path / "blobs")

    with pytest.raises(TransientError):
        await store.put("0" * 64, tmp_path / "missing")

    assert [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()] == []


async def test_a_bucket_that_is_not_there_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    """The check of a wrong bucket raises."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with mock_aws(), pytest.raises(PermanentError):
        await S3Blobs("no-such-bucket").check()
