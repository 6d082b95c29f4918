"""`released.toml`: every migration that can no longer change, and what its own exceptions are for."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from libs.db.migrate import Migration

RELEASED = Path(__file__).with_name("released.toml")


@dataclass(frozen=True)
class Released:
    """One migration.

    Attributes:
        sha256: of the file as it was released; what databases remember of it, too.
        accepted: rules it breaks, each with the reason why that was no harm.
    """

    sha256: str
    accepted: Mapping[str, str] = field(default_factory=dict)


def read(path: Path) -> dict[str, Released]:
    """By the migration's file."""
    return {file: Released(**fields) for file, fields in tomllib.loads(path.read_text()).items()}


def changed(migrations: Iterable[Migration], released: Mapping[str, Released]) -> list[str]:
    """What is wrong with files that are released: changed, renamed or gone; and which new ones are not noted yet."""
    found = {migration.file: migration for migration in migrations}
    problems = [f"{file}: is released and gone" for file in released if file not in found]
    for file, migration in found.items():
        if file not in released:
            problems.append(f"{file}: is not noted yet: python -m deploy.migrations --note")
        elif released[file].sha256 != migration.checksum:
            problems.append(f"{file}: is released and differs; undo that and add a new file")
    return problems


def note(path: Path, migrations: Iterable[Migration]) -> list[str]:
    """Afterwards every file is in the table; what stood there stays.

    Returns:
        the files that were added.
    """
    known = read(path)
    new = [migration for migration in migrations if migration.file not in known]
    with path.open("a") as table:
        for migration in new:
            table.write(f'\n["{migration.file}"]\nsha256 = "{migration.checksum}"\n')
    return [migration.file for migration in new]
