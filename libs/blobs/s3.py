"""Blobs in an S3 bucket."""

import asyncio
import shutil
import tempfile
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from libs.blobs.forms import INCOMING, Form
from libs.blobs.key import incoming_name, sharded
from libs.blobs.pieces import in_pieces
from libs.blobs.s3_errors import ChangedError, MissingError, TranslatedBody, translated

T = TypeVar("T")

PART_BYTES = 8 * 1024 * 1024
COPY_MAX_BYTES = 5 * 1024**3
"""What S3 copies in one request."""
COPY_PART_BYTES = 512 * 1024 * 1024
PARTS_AT_ONCE = 4
"""Together with the part's size: the memory that one transfer takes."""


class S3Blobs:
    """One bucket, or a prefix of it; credentials come from where boto3 looks for them, on ECS the task's role.

    The SDK is imported with the first call: who keeps blobs in a folder does not pay its memory.

    Args:
        bucket: it exists.
        prefix: of every object's name, such as `documents/`.
        connect_timeout_seconds: for one try.
        read_timeout_seconds: of silence, for one try; the SDK makes three.
    """

    def __init__(
        self,
        bucket: str,
        *,
        prefix: str = "",
        connect_timeout_seconds: float = 5.0,
        read_timeout_seconds: float = 20.0,
    ) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._connect_timeout_seconds = connect_timeout_seconds
        self._read_timeout_seconds = read_timeout_seconds
        self._waiting: dict[Path, _Waiting] = {}
        self._made: Any = None
        self._making = threading.Lock()

    async def put(self, key: str, source: Path | bytes) -> None:
        """Afterwards the blob is there for good; a large one travels in parts, and a broken transfer leaves nothing.

        What came out of `incoming` is copied within S3: it does not travel a second time.

        Args:
            key: the SHA-256 of the file, which the caller worked out.
            source: the file, which stays as it is, or its bytes.

        Raises:
            TransientError: S3 did not answer.
            PermanentError: S3 refuses it.
        """
        name = self._name(key)
        if await self.has(key):
            return
        if isinstance(source, bytes):
            await self._call(lambda client: client.put_object(Bucket=self._bucket, Key=name, Body=source))
        elif source not in self._waiting or not await self._copied(self._waiting[source], name):
            path = str(source)
            await self._call(lambda client: client.upload_file(path, self._bucket, name, Config=_transfer_config()))

    async def _copied(self, waiting: "_Waiting", name: str) -> bool:
        """False when another file waits there by now: what was hashed is what is to be stored."""
        from boto3.s3.transfer import TransferConfig

        config = TransferConfig(multipart_threshold=COPY_MAX_BYTES, multipart_chunksize=COPY_PART_BYTES)
        source = {"Bucket": self._bucket, "Key": waiting.key}
        same = {"CopySourceIfMatch": waiting.etag}
        try:
            await self._call(lambda client: client.copy(source, self._bucket, name, ExtraArgs=same, Config=config))
        except (ChangedError, MissingError):
            return False
        return True

    async def has(self, key: str) -> bool:
        """Whether the blob is there.

        Raises:
            TransientError: S3 did not answer.
        """
        name = self._name(key)
        try:
            await self._call(lambda client: client.head_object(Bucket=self._bucket, Key=name))
        except MissingError:
            return False
        return True

    @asynccontextmanager
    async def local(self, key: str) -> AsyncIterator[Path]:
        """The blob as a file, for reading only, until the block ends.

        Raises:
            PermanentError: there is no such blob.
            TransientError: S3 did not answer.
        """
        name = self._name(key)
        with tempfile.TemporaryDirectory(prefix="eloquent-blob-") as folder:
            path = Path(folder) / "blob"
            await self._call(
                lambda client: client.download_file(self._bucket, name, str(path), Config=_transfer_config())
            )
            yield path

    @asynccontextmanager
    async def pieces(self, key: str, *, start: int, end: int) -> AsyncIterator[AsyncIterator[bytes]]:
        """The blob's bytes from `start` to before `end`, a piece at a time, until the block ends.

        Raises:
            PermanentError: there is no such blob.
            TransientError: S3 did not answer; in the midst of it too.
        """
        name, span = self._name(key), f"bytes={start}-{end - 1}"
        body = await self._call(lambda client: client.get_object(Bucket=self._bucket, Key=name, Range=span)["Body"])
        try:
            yield in_pieces(TranslatedBody(body), end - start)
        finally:
            body.close()

    async def delete(self, key: str) -> None:
        """Afterwards there is no such blob; a missing one is no error.

        Raises:
            TransientError: S3 did not answer.
        """
        name = self._name(key)
        await self._call(lambda client: client.delete_object(Bucket=self._bucket, Key=name))

    async def form(self, name: str, *, size_bytes: int, seconds: float) -> Form:
        """A presigned POST for one file, which S3 itself holds to its conditions.

        Args:
            name: under which it waits; a UUID.
            size_bytes: of the file, exactly.
            seconds: until the form expires, or the credentials that signed it if that is sooner.

        Raises:
            TransientError: there are no credentials now.
        """
        key = self._incoming(name)
        made = await self._call(
            lambda client: client.generate_presigned_post(
                self._bucket,
                key,
                Conditions=[["content-length-range", size_bytes, size_bytes]],
                ExpiresIn=int(seconds),
            )
        )
        return Form(made["url"], made["fields"])

    @asynccontextmanager
    async def incoming(self, name: str) -> AsyncIterator[Path | None]:
        """The file that waits, for reading only, until the block ends; None when nothing has come.

        Raises:
            TransientError: S3 did not answer.
        """
        key = self._incoming(name)
        with tempfile.TemporaryDirectory(prefix="eloquent-incoming-") as folder:
            path = Path(folder) / "file"
            try:
                # One request, so that all of it is of one object, whatever is sent meanwhile.
                etag = await self._call(lambda client: _save(client.get_object(Bucket=self._bucket, Key=key), path))
            except MissingError:
                yield None
                return
            self._waiting[path] = _Waiting(key, etag)
            try:
                yield path
            finally:
                del self._waiting[path]

    async def discard(self, name: str) -> None:
        """Afterwards nothing waits under this name.

        Raises:
            TransientError: S3 did not answer.
        """
        key = self._incoming(name)
        await self._call(lambda client: client.delete_object(Bucket=self._bucket, Key=key))

    async def check(self) -> None:
        """Raises when the bucket does not answer."""
        await self._call(lambda client: client.head_bucket(Bucket=self._bucket))

    def _incoming(self, name: str) -> str:
        return self._prefix + INCOMING + incoming_name(name)

    def _name(self, key: str) -> str:
        return self._prefix + sharded(key)

    async def _call(self, operation: Callable[[Any], T]) -> T:
        def run() -> T:
            with translated():
                return operation(self._client())

        return await asyncio.to_thread(run)

    def _client(self) -> Any:
        import boto3
        from botocore.config import Config

        with self._making:
            if self._made is None:
                self._made = boto3.session.Session().client(
                    "s3",
                    config=Config(
                        connect_timeout=self._connect_timeout_seconds,
                        read_timeout=self._read_timeout_seconds,
                        retries={"total_max_attempts": 3, "mode": "standard"},
                        # Forms for a bucket that encrypts with KMS, at its own region's address: the SDK's default is
                        # the global one, which sends a browser elsewhere in mid-upload.
                        signature_version="s3v4",
                        s3={"addressing_style": "virtual"},
                    ),
                )
            return self._made


class _Waiting(NamedTuple):
    """An object as it was when it was read."""

    key: str
    etag: str


def _save(response: Any, path: Path) -> str:
    with path.open("wb") as file:
        shutil.copyfileobj(response["Body"], file, 1024 * 1024)
    return str(response["ETag"])


def _transfer_config() -> Any:
    from boto3.s3.transfer import TransferConfig

    return TransferConfig(multipart_threshold=PART_BYTES, multipart_chunksize=PART_BYTES, max_concurrency=PARTS_AT_ONCE)
