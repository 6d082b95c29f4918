"""The checkout as the house rules see it."""

import ast
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

PRODUCT = ("gateway", "history_service", "retrieval_service", "generation_service", "ingest_service", "libs", "deploy")


@cache
def files() -> tuple[Path, ...]:
    """What is committed or about to be, relative to the root."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return tuple(sorted({Path(name) for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()}))


def modules(*folders: str) -> list[Path]:
    """The Python modules in these folders of the root."""
    return [path for path in files() if path.suffix == ".py" and path.parts[0] in folders]


def tree(path: Path) -> ast.Module:
    """A module's syntax."""
    return ast.parse((ROOT / path).read_text())


def text(path: Path) -> str | None:
    """What is in a file, or None when it is no text."""
    try:
        return (ROOT / path).read_text()
    except UnicodeDecodeError:
        return None
