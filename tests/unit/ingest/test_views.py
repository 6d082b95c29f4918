"""What people are told about a document."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from ingest_service.stored import Document
from ingest_service.views import document_of
from tests.builders import a_principal

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def a_document(status: str, done: int, total: int, seconds_left: float | None, still_seconds: float) -> Document:
    who, what = uuid4(), uuid4()
    return Document(
        *(what, who, "public", "a.txt", "A", None, 1, status, "text/plain", 1, done, total, None, None, NOW, NOW),
        seconds_left=seconds_left,
        still_seconds=still_seconds,
    )


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (a_document("embedding", 20, 100, 40.0, 0.0), 40.0),
        (a_document("embedding", 20, 100, 40.0, 5.0), 35.0),
        (a_document("embedding", 90, 100, 9.0, 60.0), 4.5),
        (a_document("embedding", 0, 100, None, 3.0), None),
    ],
)
def test_the_time_left_goes_by(document: Document, expected: float | None) -> None:
    """Since the last batch, too, to its half until there is another one; it is null where nobody can say."""
    assert document_of(document, caller=a_principal()).progress.seconds_left == expected
