"""Files on their way into a folder of blobs: sent with a form, not confirmed yet."""

import asyncio
import contextlib
import os
import secrets
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from libs.blobs.files import write_whole
from libs.blobs.forms import INCOMING, Form, Policy, admitted, signed
from libs.blobs.key import incoming_name
from libs.clock import Clock, utc_now
from libs.errors import TransientError

SECRET_BYTES = 32


class DiskIncoming:
    """A folder beside the blobs, as S3's bucket has it beside its own.

    Forms are signed with a secret that lies in the folder, for its owner alone: every process that shares the folder
    accepts what another one signed, and nothing has to be configured.

    Args:
        folder: of the blobs.
        form_url: of the route that takes the forms.
        clock: what a form's end is held against.
    """

    def __init__(self, folder: Path, *, form_url: str, clock: Clock = utc_now) -> None:
        self._folder = folder
        self._form_url = form_url
        self._clock = clock
        self._secret: bytes | None = None

    async def form(self, name: str, *, size_bytes: int, seconds: float) -> Form:
        """A form for one file.

        Args:
            name: under which it waits; a UUID.
            size_bytes: of the file, exactly.
            seconds: until the form expires.

        Raises:
            TransientError: the disk does not answer.
        """
        policy = Policy(INCOMING + incoming_name(name), size_bytes, self._clock() + timedelta(seconds=seconds))
        return signed(self._form_url, policy, secret=await self._signing())

    async def admitted(self, fields: Mapping[str, str]) -> Policy:
        """What the form with these fields allows.

        Raises:
            RequestError: 403 `form_refused`.
            TransientError: the disk does not answer.
        """
        return admitted(fields, secret=await self._signing(), now=self._clock())

    async def keep(self, name: str, content: Path | bytes) -> None:
        """The file waits under its name, as a whole; another one of that name is replaced.

        Raises:
            TransientError: the disk does not take it.
        """
        await asyncio.to_thread(write_whole, self._path(name), content, prefix=".")

    @asynccontextmanager
    async def incoming(self, name: str) -> AsyncIterator[Path | None]:
        """The file that waits, for reading only, until the block ends; None when nothing has come.

        One that comes in the meantime does not change it.
        """
        with tempfile.TemporaryDirectory(dir=self._folder, prefix=".incoming-") as folder:
            path = Path(folder) / "file"
            try:
                await asyncio.to_thread(os.link, self._path(name), path)
            except FileNotFoundError:
                yield None
            else:
                yield path

    async def discard(self, name: str) -> None:
        """Afterwards nothing waits under this name.

        Raises:
            TransientError: the disk does not let it go.
        """
        try:
            await asyncio.to_thread(self._path(name).unlink, missing_ok=True)
        except OSError as error:
            raise TransientError(f"the blob folder does not let a file go ({type(error).__name__})") from error

    def _path(self, name: str) -> Path:
        return self._folder / INCOMING / incoming_name(name)

    async def _signing(self) -> bytes:
        if self._secret is None:
            try:
                self._secret = await asyncio.to_thread(self._shared_secret)
            except OSError as error:
                raise TransientError(f"the blob folder does not answer ({type(error).__name__})") from error
        return self._secret

    def _shared_secret(self) -> bytes:
        path = self._folder / ".form-secret"
        if not path.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            descriptor, temporary = tempfile.mkstemp(dir=self._folder, prefix=".")
            with os.fdopen(descriptor, "wb") as writer:
                writer.write(secrets.token_bytes(SECRET_BYTES))
            # Whoever is first decides; a link is there as a whole or not at all.
            with contextlib.suppress(FileExistsError):
                os.link(temporary, path)
            Path(temporary).unlink()
        return path.read_bytes()
