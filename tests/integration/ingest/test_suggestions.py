"""First questions: made of headings, for those who may read them."""

from typing import Any

import httpx
import pytest

from ingest_service.suggestions import question_about
from libs.contracts.values import Principal
from tests.builders import a_principal
from tests.integration.ingest.api_calls import as_
from tests.integration.ingest.builders import Library, an_editor

PATH = "/v1/documents/suggestions"


async def published(library: Library, by: Principal, title: str, *headings: str, **fields: str) -> None:
    """A searchable document with a chunk under each heading."""
    text = "\n\n".join(f"Of {heading}." for heading in headings)
    document = await library.add(text, by=by, name=f"{title}.txt", title=title, **fields)
    await library.index_all()
    for ordinal, heading in enumerate(headings):
        await library.pool.execute(
            "UPDATE chunks SET heading = $3, language = 'english' WHERE document_id = $1 AND ordinal = $2",
            *(document.document_id, ordinal, [title, heading]),
        )


async def suggested(http: httpx.AsyncClient, by: Principal, **params: Any) -> list[str]:
    response = await http.get(PATH, headers=as_(by), params=params)
    assert response.status_code == 200, response.text
    return [item["question"] for item in response.json()["items"]]


async def test_headings_become_questions(http: httpx.AsyncClient, library: Library, owner: Principal) -> None:
    """One of each document, none twice: a heading that asks comes first, as it is; the title alone asks nothing."""
    await published(library, owner, "Fees", "How much is a transfer?", "Cards")
    await published(library, owner, "Opening hours", "On Sundays")
    await published(library, owner, "Imprint", "Imprint")
    await published(library, owner, "Old fees", "How much is a transfer?")

    assert await suggested(http, owner) == [
        "How much is a transfer?",
        "What does “Opening hours” say about “On Sundays”?",
    ]
    assert await suggested(http, owner, limit=1) == ["How much is a transfer?"]


async def test_nobody_is_led_to_what_they_may_not_read(
    http: httpx.AsyncClient, library: Library, owner: Principal
) -> None:
    """A title may say too much already: of others' documents there is nothing, not even for a moment."""
    await published(library, owner, "Layoffs", "In spring")
    await published(library, an_editor(), "Terms", "Notice", collection="public")

    assert len(await suggested(http, owner)) == 2
    for stranger in (a_principal(), a_principal(is_guest=True)):
        assert await suggested(http, stranger) == ["What does “Terms” say about “Notice”?"]


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("german", "Was steht in „T“ über „H“?"),
        ("simple", "T: H?"),
    ],
)
def test_a_question_is_in_its_documents_language(language: str, expected: str) -> None:
    """In one that we do not speak it is a question mark."""
    assert question_about("T", "H", language) == expected
