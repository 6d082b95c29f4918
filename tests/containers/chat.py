"""What a person does: signs in, adds a document, asks, looks at the page."""

from uuid import uuid4

import httpx

from deploy.local.client import Chat
from deploy.local.documents import follow, upload
from deploy.local.environment import EDITOR_EMAIL
from deploy.local.seed import KNOWLEDGE
from deploy.local.sign_in import Guest, identity_of, user_token
from deploy.local.transcript import Transcript
from tests.containers.stack import Stack

DOCUMENTS = ("payments/transfer-times.md", "payments/fees-and-limits-2026.pdf", "compliance/complaints-procedure.docx")
QUESTION = "How long does a transfer take?"


async def documents_are_searchable(stack: Stack) -> str:
    """Documents of three formats are parsed and indexed, by a worker that may write next to nothing."""
    async with httpx.AsyncClient() as http:
        token = await user_token(
            await identity_of(stack.url, http), http, email=EDITOR_EMAIL, password=stack.editor_password
        )
        for name in DOCUMENTS:
            accepted = await upload(http, stack.url, KNOWLEDGE / name, token=token, collection="public")
            async for document in follow(http, stack.url, str(accepted["id"]), token=token):
                status = document["status"]
            assert status == "searchable", f"{name} is {status}"
    return f"{len(DOCUMENTS)} documents"


async def a_guest_gets_a_cited_answer(stack: Stack) -> str:
    """The answer is text, and cites a document that was uploaded."""
    transcript = Transcript()
    async with httpx.AsyncClient() as http:
        guest = Guest(await identity_of(stack.url, http), http)
        async with Chat(stack.url, guest.token) as chat:
            async for chunk in chat.ask(str(uuid4()), QUESTION):
                transcript.apply(chunk)
    titles = {str(one["title"]) for one in transcript.citations.values()}
    assert transcript.text.strip(), "the answer is empty"
    assert titles, f"the answer has no citations: {transcript.text}"
    assert all(f"[{number}]" in transcript.text for number in transcript.citations), transcript.text
    return f"{len(transcript.text)} characters, from {', '.join(sorted(titles))}"


async def the_page_is_there(stack: Stack) -> str:
    """The gateway serves the page that a stage of the image built, with its policy."""
    async with httpx.AsyncClient() as http:
        response = await http.get(stack.url)
    assert response.status_code == httpx.codes.OK, response.status_code
    assert "/_next/" in response.text, "no page, but a placeholder"
    assert "default-src 'none'" in response.headers["content-security-policy"]
    return f"{len(response.content)} bytes"
