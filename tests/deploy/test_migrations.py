"""Migrations that would stop the services are found; released ones cannot change."""

import hashlib
from pathlib import Path

import pytest

from deploy.migrations.released import Released, changed, note, read
from deploy.migrations.rules import findings, judged
from libs.db.migrate import OUTSIDE_TRANSACTION, Migration


def a_migration(sql: str, *, number: int = 1) -> Migration:
    return Migration("history_service", number, "more", hashlib.sha256(sql.encode()).hexdigest(), sql)


@pytest.mark.parametrize(
    ("sql", "rule"),
    [
        ("ALTER TABLE a ADD COLUMN b uuid NOT NULL;", "adding-required-field"),
        ("ALTER TABLE a ADD COLUMN b uuid DEFAULT gen_random_uuid();", "adding-field-with-default"),
        ("ALTER TABLE a ALTER COLUMN b TYPE bigint;", "changing-column-type"),
        ("ALTER TABLE a ALTER COLUMN b SET NOT NULL;", "adding-not-nullable-field"),
        ("ALTER TABLE a ADD CONSTRAINT c CHECK (b > 0);", "constraint-missing-not-valid"),
        ("ALTER TABLE a ADD CONSTRAINT c FOREIGN KEY (b) REFERENCES d (e);", "adding-foreign-key-constraint"),
        ("ALTER TABLE a DROP COLUMN b;", "ban-drop-column"),
        ("ALTER TABLE a RENAME COLUMN b TO c;", "renaming-column"),
        ("DROP TABLE a;", "ban-drop-table"),
        ("CREATE INDEX i ON a (b);", "require-concurrent-index-creation"),
        ("CREATE INDEX CONCURRENTLY i ON a (b);", "concurrently-alone"),
        ("ALTER TABLE a ADD COLUMN b uuid;\nUPDATE a SET b = c;", "no-filling-in-a-migration"),
        (f"{OUTSIDE_TRANSACTION}\nALTER TABLE a ADD COLUMN b uuid;", "alone-for-indexes-only"),
        ("-- squawk-ignore ban-drop-table\nDROP TABLE a;", "reasons-in-one-place"),
    ],
)
def test_what_stops_the_services_is_found(sql: str, rule: str) -> None:
    """Rewrites, long locks, and what the release that still runs would miss."""
    found = findings([a_migration(sql)])

    assert rule in {one.rule for one in found}
    assert judged(found, {})


def test_what_services_do_not_notice_passes() -> None:
    """Expand: new tables with indexes, columns that may be empty, constraints to be validated later, indexes alone."""
    found = findings(
        [
            a_migration("CREATE TABLE a (b uuid PRIMARY KEY);\nCREATE INDEX i ON a (b);"),
            a_migration("ALTER TABLE z ADD COLUMN c text;\nALTER TABLE z ADD CONSTRAINT d CHECK (c <> '') NOT VALID;"),
            a_migration(
                f"{OUTSIDE_TRANSACTION}\n-- By c.\nDROP INDEX CONCURRENTLY IF EXISTS z_c;\n"
                "CREATE INDEX CONCURRENTLY IF NOT EXISTS z_c ON z (c);\n"
            ),
        ]
    )

    assert found == []


def test_a_reason_excuses_what_it_names_and_nothing_else() -> None:
    """And one that excuses nothing is in the way of the next reader."""
    migration = a_migration("ALTER TABLE a DROP COLUMN b;")
    found = findings([migration])
    released = {migration.file: Released(migration.checksum, {"ban-drop-column": "no release reads it since 0.3"})}
    idle = {migration.file: Released(migration.checksum, {**released[migration.file].accepted, "ban-drop-table": "?"})}

    assert judged(found, released) == []
    assert judged(found, idle) == [f"{migration.file}: accepts ban-drop-table, which it does not break"]


def test_released_files_stay_as_they_are(tmp_path: Path) -> None:
    """A change, a lost file and one that is not noted are told apart; noting leaves what stands there."""
    first, second = a_migration("SELECT 1;"), a_migration("SELECT 2;", number=2)
    table = tmp_path / "released.toml"
    table.write_text("")

    assert note(table, [first]) == [first.file]
    assert changed([first], read(table)) == []
    assert "not noted" in changed([first, second], read(table))[0]
    assert "differs" in changed([first._replace(checksum="0")], read(table))[0]
    assert "gone" in changed([second], read(table))[0]
    assert note(table, [first._replace(checksum="0"), second]) == [second.file]
    assert read(table)[first.file].sha256 == first.checksum
