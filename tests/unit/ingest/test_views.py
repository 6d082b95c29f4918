"""What people are told about a document."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from ingest_service.stored import Document
from ingest_service.views import document_of
from tests.builders import a_principal

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def a_document(status: str, done: int, total: int, stage_seconds: float | None, still_seconds: float) -> Document:
    who, what = uuid4(), uuid4()
    return Document(
        *(what, who, "public", "a.txt", "A", None, 1, status, "text/plain", 1, done, total, None, None, NOW, NOW),
        stage_seconds=stage_seconds,
        still_seconds=still_seconds,
    )


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (a_document("embedding", 20, 100, 10.0, 0.0), 40.0),
        (a_document("embedding", 20, 100, 10.0, 5.0), 35.0),
        (a_document("embedding", 90, 100, 9.0, 60.0), 0.0),
        (a_document("embedding", 0, 100, 0.0, 3.0), None),
        (a_document("parsing", 0, 0, None, 3.0), None),
        (a_document("searchable", 100, 100, 10.0, 3.0), None),
    ],
)
def test_the_time_left_follows_the_pace(document: Document, expected: float | None) -> None:
    """A fifth in ten seconds leaves forty; time since the last batch counts; it is never below nothing."""
    assert document_of(document, caller=a_principal()).progress.seconds_left == expected
