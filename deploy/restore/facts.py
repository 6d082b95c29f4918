"""What a database holds, as far as a copy of it can be held to it. No text of anybody is among it, only digests."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Self

import asyncpg

WITNESSES = 200
"""How many answers are looked at one by one: the newest, which a restore loses first."""

_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
_MIGRATIONS = "SELECT service || ' ' || number, checksum FROM schema_migrations"
_STRUCTURE = """
    SELECT 'index ' || i.relname, pg_get_indexdef(i.oid) || CASE WHEN x.indisvalid THEN '' ELSE ' INVALID' END
    FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid WHERE i.relnamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'constraint ' || conrelid::regclass || ' ' || conname, pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'function ' || p.oid::regprocedure, md5(p.prosrc) FROM pg_proc p
    WHERE p.pronamespace = 'public'::regnamespace
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
"""
_ANSWERS = """
    SELECT message_id::text, encode(sha256(convert_to(content, 'UTF8')), 'hex') AS said, digest,
           encode(sha256(convert_to(citations::text, 'UTF8')), 'hex') AS citations
    FROM chat_messages WHERE status = 'completed' AND citations <> '[]' ORDER BY completed_at DESC LIMIT $1
"""


@dataclass(frozen=True)
class Facts:
    """Of one database, at one moment.

    Attributes:
        taken_at: the moment, by its own clock; a point in time to restore to.
        tables: rows of each.
        migrations: the digest of each, by service and number.
        structure: indexes, constraints and functions, by what they are called.
        answers: of the newest cited ones, by id: the digests of the text and of its citations.
        broken: answers among them whose text is not what history noted when it was stored.
    """

    taken_at: str
    tables: Mapping[str, int]
    migrations: Mapping[str, str]
    structure: Mapping[str, str]
    answers: Mapping[str, Sequence[str]]
    broken: Sequence[str]

    def to_json(self) -> str:
        """For a file that outlives the database."""
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What `to_json` wrote."""
        return cls(**json.loads(text))


async def facts_of(connection: asyncpg.Connection) -> Facts:
    """Of what this connection sees; in a transaction of `repeatable_read` it is one moment's."""
    names = [row[0] for row in await connection.fetch(_TABLES)]
    answers = await connection.fetch(_ANSWERS, WITNESSES)
    return Facts(
        taken_at=str(await connection.fetchval("SELECT now()")),
        # Names from the catalogue, quoted.
        tables={name: await connection.fetchval(f'SELECT count(*) FROM "{name}"') for name in names},  # noqa: S608
        migrations={row[0]: row[1] for row in await connection.fetch(_MIGRATIONS)},
        structure={row[0]: row[1] for row in await connection.fetch(_STRUCTURE)},
        answers={row["message_id"]: (row["said"], row["citations"]) for row in answers},
        broken=[row["message_id"] for row in answers if row["said"] != row["digest"]],
    )
