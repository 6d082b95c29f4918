"""What no migration may do while services of the release before it run: squawk's rules, and some it does not have."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from deploy.migrations.released import Released
from libs.db.migrate import OUTSIDE_TRANSACTION, Migration

POSTGRES_VERSION = "17"
"""Aurora's; the one here is newer and forgives no less."""

_NOT_HERE = {
    "require-lock-timeout": "libs/db/migrate.py sets it for every file",
    "require-statement-timeout": "a statement that stands in nobody's way may take its time; the others are rules here",
    "prefer-bigint-over-int": "positions, versions and sizes, each bounded far below",
}
"""Rules of squawk's that say nothing here, and why."""

_FILL = re.compile(r"^(UPDATE|DELETE)\b", flags=re.MULTILINE | re.IGNORECASE)
_ALONE = re.compile(
    r"\s*(--[^\n]*\n\s*)*(CREATE (UNIQUE )?INDEX CONCURRENTLY|DROP INDEX CONCURRENTLY|$)", re.IGNORECASE
)


class Finding(NamedTuple):
    """A rule that a migration breaks."""

    file: str
    line: int
    rule: str
    message: str


def findings(migrations: Sequence[Migration]) -> list[Finding]:
    """Everything found in these files, whatever is accepted."""
    together = [one for one in migrations if not one.is_alone]
    alone = [one for one in migrations if one.is_alone]
    return sorted(
        [
            *_of_squawk(together, "--assume-in-transaction"),
            *_of_squawk(alone, "--no-assume-in-transaction"),
            *(found for one in migrations for found in _ours(one)),
        ]
    )


def judged(found: Sequence[Finding], released: Mapping[str, Released]) -> list[str]:
    """What must be mended: findings nobody has accepted, and reasons that excuse nothing."""
    broken = {(one.file, one.rule) for one in found}
    accepted = {(file, rule) for file, one in released.items() for rule in one.accepted}
    return [
        *(f"{one.file}:{one.line}: {one.rule}: {one.message}" for one in found if (one.file, one.rule) not in accepted),
        *(f"{file}: accepts {rule}, which it does not break" for file, rule in sorted(accepted - broken)),
    ]


def _of_squawk(migrations: Sequence[Migration], how: str) -> Iterator[Finding]:
    if not migrations:
        return
    with TemporaryDirectory() as folder:
        files = {str(Path(folder, f"{number}.sql")): one for number, one in enumerate(migrations)}
        for path, one in files.items():
            Path(path).write_text(one.sql)
        options = ["--reporter=json", f"--pg-version={POSTGRES_VERSION}", f"--exclude={','.join(_NOT_HERE)}", how]
        ran = subprocess.run(
            [Path(sys.executable).with_name("squawk"), *options, *files], capture_output=True, text=True, check=False
        )
        for one in json.loads(ran.stdout):
            yield Finding(files[one["file"]].file, one["line"] + 1, one["rule_name"], one["message"])


def _ours(migration: Migration) -> Iterator[Finding]:
    if "squawk-ignore" in migration.sql:
        yield Finding(migration.file, 1, "reasons-in-one-place", "exceptions stand in released.toml, with their reason")
    if not migration.is_alone:
        if re.search(r"\bCONCURRENTLY\b", migration.sql, flags=re.IGNORECASE):
            yield Finding(migration.file, 1, "concurrently-alone", f"needs a file of its own: {OUTSIDE_TRANSACTION}")
        for match in _FILL.finditer(migration.sql):
            line = migration.sql.count("\n", 0, match.start()) + 1
            yield Finding(
                migration.file,
                line,
                "no-filling-in-a-migration",
                "changed rows stay locked until the end; let the service fill in batches, and readers live without",
            )
        return
    for statement in re.split(r";[ \t]*$", migration.sql.removeprefix(OUTSIDE_TRANSACTION), flags=re.MULTILINE):
        if not _ALONE.match(statement):
            yield Finding(
                migration.file,
                1,
                "alone-for-indexes-only",
                "outside of a transaction nothing is undone: DROP INDEX CONCURRENTLY IF EXISTS, then CREATE INDEX "
                "CONCURRENTLY IF NOT EXISTS, and nothing else",
            )
