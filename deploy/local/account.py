"""Servers that refuse to run as root, and the folders where an unprivileged user reaches them."""

import os
import pwd
import shutil
import stat
from hashlib import sha256
from pathlib import Path

SHARED_FOLDER = Path("/var/tmp")  # noqa: S108 - outlives a reboot; what is in it is checked to be ours
ANYBODY = 0o755


def unprivileged_account() -> pwd.struct_passwd | None:
    """Whom a server runs as that refuses to be root: `nobody` for root, else the user as they are."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def reachable(path: Path) -> bool:
    """Anybody may walk to this folder and into it; a folder that is not there yet is judged by those above it."""
    path = path.resolve()
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (path, *path.parents) if folder.exists())


def shared_folder(purpose: str, origin: Path) -> Path:
    """A folder that anybody may walk into and only we may change, the same one for the same `origin`.

    Raises:
        RuntimeError: somebody else made a folder of this name.
    """
    digest = sha256(str(origin.resolve()).encode()).hexdigest()[:12]
    folder = SHARED_FOLDER / f"eloquent-{purpose}-{digest}"
    folder.mkdir(mode=0o711, exist_ok=True)
    found = folder.lstat()
    if found.st_uid != os.geteuid() or not stat.S_ISDIR(found.st_mode):
        raise RuntimeError(f"{folder} belongs to somebody else; remove it")
    folder.chmod(0o711)
    return folder


def copy_for_anybody(sources: list[Path], folder: Path) -> None:
    """Copies of `sources` stand in `folder`, readable by anybody; half a copy is never taken for a whole one."""
    for source in sources:
        target = folder / source.name
        if target.exists():
            continue
        half = folder / f"{source.name}.{os.getpid()}"
        shutil.copytree(source, half)
        for path in (half, *half.rglob("*")):
            path.chmod(path.stat().st_mode | (ANYBODY if path.is_dir() else 0o444))
            if path.stat().st_mode & stat.S_IXUSR:
                path.chmod(ANYBODY)
        try:
            half.rename(target)
        except OSError:  # another run of ours was quicker
            shutil.rmtree(half)
