"""Blobs in a folder."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from libs.blobs.files import write_whole
from libs.blobs.key import sharded
from libs.blobs.pieces import in_pieces
from libs.errors import PermanentError, TransientError


class DiskBlobs:
    """A folder that all processes that use it share.

    Args:
        folder: made when it is missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def put(self, key: str, source: Path | bytes) -> None:
        """Afterwards the blob is there for good, power cuts included; a crash leaves all of it or nothing.

        Args:
            key: the SHA-256 of the file, which the caller worked out.
            source: the file, which stays as it is, or its bytes.

        Raises:
            TransientError: the disk does not take it.
        """
        await asyncio.to_thread(self._put, self._path(key), source)

    def _put(self, target: Path, source: Path | bytes) -> None:
        if target.exists():
            return
        write_whole(target, source, prefix=".incoming-")

    async def has(self, key: str) -> bool:
        """Whether the blob is there."""
        return await asyncio.to_thread(self._path(key).exists)

    @asynccontextmanager
    async def local(self, key: str) -> AsyncIterator[Path]:
        """The blob as a file, for reading only, until the block ends.

        Raises:
            PermanentError: there is no such blob.
            TransientError: the folder itself is not there.
        """
        await asyncio.to_thread(self._look_for, key)
        yield self._path(key)

    def _look_for(self, key: str) -> None:
        # Within the folder as it is opened: what is asked for by two paths may be away for the first and back for the
        # second, and then the blob would be gone for good.
        try:
            folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise TransientError("the blob folder is away") from error
        try:
            os.stat(sharded(key), dir_fd=folder)
        except FileNotFoundError as error:
            raise PermanentError("the blob is not there") from error
        except OSError as error:
            raise TransientError(f"the blob folder does not answer ({type(error).__name__})") from error
        finally:
            os.close(folder)

    @asynccontextmanager
    async def pieces(self, key: str, *, start: int, end: int) -> AsyncIterator[AsyncIterator[bytes]]:
        """The blob's bytes from `start` to before `end`, a piece at a time, until the block ends.

        A blob that is deleted meanwhile is read to its end.

        Raises:
            PermanentError: there is no such blob.
            TransientError: the folder itself is not there.
        """
        async with self.local(key) as path:
            try:
                file = await asyncio.to_thread(path.open, "rb")
            except FileNotFoundError as error:
                raise PermanentError("the blob is not there") from error
        try:
            await asyncio.to_thread(file.seek, start)
            yield in_pieces(file, end - start)
        finally:
            # At once: closing what was read waits for nothing.
            file.close()

    async def delete(self, key: str) -> None:
        """Afterwards there is no such blob; a missing one is no error.

        Raises:
            TransientError: the disk does not let it go.
        """
        await asyncio.to_thread(self._delete, self._path(key))

    def _delete(self, path: Path) -> None:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise TransientError(f"the blob folder does not let a file go ({type(error).__name__})") from error

    async def check(self) -> None:
        """Raises when the folder cannot be written to."""
        await asyncio.to_thread(self._check)

    def _check(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        if not os.access(self._folder, os.W_OK):
            raise TransientError("the blob folder cannot be written to")

    def _path(self, key: str) -> Path:
        return self._folder / sharded(key)
