"""From a citation to the document itself."""

import re
from pathlib import Path
from uuid import uuid4

import httpx
from playwright.async_api import Locator, Page, expect

from deploy.local.sign_in import identity_of, user_token
from tests.e2e.model import new_question
from tests.e2e.people import Person
from tests.e2e.stack import Stack
from tests.unit.ingest.files import a_pdf
from tests.web.test_accounts import PASSWORD, new_account, sign_in
from tests.web.visitor import Visitor, answer, ask, barriers, ended

RUNS = "<script>document.title = 'it ran'</script>"


async def somebody(stack: Stack) -> str:
    """The email of a new user, whose documents are all that they add."""
    email = f"{uuid4().hex[:8]}@example.com"
    await new_account(stack, email)
    return email


async def own(stack: Stack, email: str, path: Path, content: bytes) -> None:
    """A document of this user's alone, which questions find."""
    path.write_bytes(content)
    async with httpx.AsyncClient(trust_env=False, timeout=30.0) as http:
        identity = await identity_of(stack.url, http)

        async def token() -> str:
            return await user_token(identity, http, email=email, password=PASSWORD)

        await Person(stack, http, token).publish(path, collection="")


async def cited(page: Page, question: str) -> Locator:
    """The passage that the answer to this question cites first."""
    await page.get_by_role("link", name="New chat").click()
    await ask(page, question)
    await ended(page)
    await answer(page).get_by_role("button", name="Source 1").first.click()
    return page.get_by_role("dialog", name="Passage")


async def opened_by(button: Locator) -> Page:
    """The tab that a click opens."""
    async with button.page.context.expect_page() as opening:
        await button.click()
    return await opening.value


async def test_a_citation_leads_to_its_page(visitor: Visitor, stack: Stack, tmp_path: Path) -> None:
    """In a tab of its own, where the marked words stand; what was replaced says so and leads to what is there now."""
    question, path, email = new_question(), tmp_path / "guide.pdf", await somebody(stack)
    said = f"{question} A transfer takes nine minutes. " * 3
    await own(stack, email, path, a_pdf("Cover page. " * 150, said))
    page = await visitor.opens()
    await sign_in(page, email, PASSWORD)
    passage = await cited(page, question)
    await expect(passage).to_contain_text("pages 1 to 2")
    assert await barriers(page) == []

    tab = await opened_by(passage.get_by_role("button", name="Open the document, page 2"))
    await tab.wait_for_url(re.compile("^blob:.*#page=2$"), wait_until="commit")
    assert await tab.evaluate("[document.contentType, window.opener]") == ["application/pdf", None]
    await tab.close()

    await own(stack, email, path, a_pdf("Another cover.", said))
    visitor.expects_refusals = True
    await passage.get_by_role("button", name="Open the document, page 2").click()
    await expect(page.get_by_text("The document has another version since")).to_be_visible()
    tab = await opened_by(passage.get_by_role("button", name="Open the document as it is now"))
    await tab.wait_for_url(f"blob:{stack.url}/*", wait_until="commit")
    assert await tab.evaluate("document.contentType") == "application/pdf"


async def test_no_document_runs_in_the_page(visitor: Visitor, stack: Stack, tmp_path: Path) -> None:
    """Text is shown as it was written, in whatever letters; HTML is only ever saved, byte for byte, by its name."""
    question, name, email = new_question(), "Größe", await somebody(stack)
    text = f"# {question}\n\nA transfer takes nine minutes. ½ {RUNS}\n"
    html = f"<html><title>{name}</title>{RUNS}<p>Transfers, all of them.</p></html>".encode()
    await own(stack, email, tmp_path / f"{name}.md", text.encode())
    await own(stack, email, tmp_path / f"{name}.html", html)
    page = await visitor.opens()
    await sign_in(page, email, PASSWORD)

    passage = await cited(page, question)
    tab = await opened_by(passage.get_by_role("button", name="Open the document"))
    await tab.wait_for_url(f"blob:{stack.url}/*", wait_until="commit")
    assert await tab.evaluate("[document.contentType, document.title]") == ["text/plain", ""]
    assert await tab.evaluate("document.body.innerText") == text
    await page.keyboard.press("Escape")

    await page.get_by_role("link", name="Documents").click()
    async with page.expect_download() as saving:
        await page.get_by_role("listitem").filter(has_text=f"{name}.html").get_by_role("button", name="Save").click()
    saved = await saving.value
    assert saved.suggested_filename == f"{name}.html"
    assert (await saved.path()).read_bytes() == html
    assert len(page.context.pages) == 2
