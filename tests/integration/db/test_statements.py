"""Statements are spans of the work that they are part of."""

import pytest

from libs.config import PostgresSettings
from libs.db.pool import create_pool
from libs.telemetry.spans import arrival
from tests.polling import eventually
from tests.traces.kept import keeping

WRITTEN = "what a user wrote"


async def test_a_statement_is_shown_without_its_parameters(database_url: str) -> None:
    """What it does to what, how it ended, and our own text; nothing of statements outside of traced work."""
    settings = PostgresSettings.model_validate({"database_url": database_url})
    with keeping() as kept:
        async with create_pool(settings, application_name="tests") as pool:
            await pool.fetchval("SELECT 1")
            with arrival("work", "consumer", None) as work:
                await pool.fetch("SELECT user_id\n  FROM users WHERE $1::text = 'x'", WRITTEN)
                with pytest.raises(Exception, match="nowhere"):
                    await pool.execute("DELETE FROM nowhere")

            async def all_told() -> bool:
                return len(kept.spans) == 3

            await eventually(all_told)
    _, found, failed = sorted(kept.spans, key=lambda span: span.started_at)

    assert work.is_recorded
    assert (found.name, found.kind, found.error_type) == ("SELECT users", "client", "")
    assert found.attributes["db.query.text"] == "SELECT user_id FROM users WHERE $1::text = 'x'"
    assert (failed.name, failed.error_type, failed.reason) == ("DELETE nowhere", "UndefinedTableError", "")
    assert WRITTEN not in str([span.attributes for span in kept.spans])
