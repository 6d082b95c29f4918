"""Files that are there as a whole or not at all."""

import os
import shutil
import tempfile
from pathlib import Path

from libs.errors import TransientError


def write_whole(target: Path, source: Path | bytes, *, prefix: str) -> None:
    """The file stands under its name with all its bytes, on the disk; another one of that name is replaced.

    Args:
        target: its folder is made if it is missing.
        source: the file, which stays as it is, or its bytes.
        prefix: of the name it has until it is whole.

    Raises:
        TransientError: the disk does not take it.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=prefix)
        try:
            with os.fdopen(descriptor, "wb") as writer:
                if isinstance(source, bytes):
                    writer.write(source)
                else:
                    with source.open("rb") as reader:
                        shutil.copyfileobj(reader, writer, 1024 * 1024)
                writer.flush()
                os.fsync(writer.fileno())
            Path(temporary).replace(target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        _sync_folder(target.parent)
    except OSError as error:
        raise TransientError(f"the blob folder does not take a file ({type(error).__name__})") from error


def _sync_folder(folder: Path) -> None:
    # A rename is durable when its folder is.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
