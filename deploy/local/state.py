"""The folder that outlives a run: data, generated passwords, and the lock that lets one run at a time have it."""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
"""The checkout."""


@dataclass(frozen=True)
class Secrets:
    """Passwords made on the first start; they keep the other users of this machine out."""

    valkey: str
    postgres: str
    editor: str


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """The folder exists and is this run's alone.

    Raises:
        SystemExit: another run has it; the message says which process.
    """
    # Others may walk through, not look: root's PostgreSQL is another user. The files with secrets are 0600.
    folder.mkdir(mode=0o711, parents=True, exist_ok=True)
    with (folder / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise SystemExit(
                f"Cannot start: process {lock.read().strip() or 'unknown'} already runs on {folder}. "
                "Stop it, or set LOCAL_DIR and PORT for a second run."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def new_secrets() -> Secrets:
    """Passwords that nobody knows yet."""
    # The prefix has one of each kind of character, as Cognito's policy for passwords asks.
    return Secrets(**{name: f"Ab-1{secrets.token_urlsafe(24)}" for name in Secrets.__dataclass_fields__})


def load_secrets(folder: Path) -> Secrets:
    """The passwords of this folder, the same on every start."""
    path = folder / "secrets.json"
    kept = read_json(path)
    content = asdict(new_secrets()) | kept
    if content != kept:
        write_json(path, content)
    return Secrets(**content)


def read_json(path: Path) -> dict[str, Any]:
    """The object in the file; an empty one when there is no file."""
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    if not isinstance(content, dict):
        raise SystemExit(f"{path} is damaged; remove it")
    return content


def write_json(path: Path, content: dict[str, Any]) -> None:
    """The file holds `content`, readable by its owner only; never half of it."""
    path.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
    half = path.with_name(f"{path.name}.{os.getpid()}")
    half.touch(mode=0o600)
    half.write_text(json.dumps(content, indent=1))
    half.replace(path)
