"""From a guest to somebody with documents of their own."""

import json
import re
from pathlib import Path
from uuid import uuid4

from playwright.async_api import Page, expect

from deploy.local.environment import EDITOR_EMAIL
from tests.e2e.model import new_question
from tests.e2e.stack import Stack
from tests.polling import eventually
from tests.web.visitor import WITHIN_MS, Visitor, answer, ask, barriers, ended

PASSWORD = "Ein-gutes-Passwort-1"


async def sign_in(page: Page, email: str, password: str) -> None:
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_label("Email").fill(email)
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("dialog").get_by_role("button", name="Sign in", exact=True).click()
    await expect(page.get_by_role("button", name=email)).to_be_visible()


async def code_for(email: str, stack: Stack) -> str:
    """What the identity provider would have mailed."""

    async def sent() -> str | None:
        lines = [json.loads(line) for line in stack.log_tail().splitlines() if email in line]
        return next((str(line["code"]) for line in reversed(lines) if "code" in line), None)

    return str(await eventually(sent))


async def test_a_new_account_is_confirmed_signed_in_and_out(visitor: Visitor, stack: Stack) -> None:
    """Sign-up asks for the code, then one is in; after a reload still; signed out one is a guest again."""
    email = f"{uuid4().hex[:8]}@example.com"
    page = await visitor.opens()
    await page.get_by_role("button", name="Sign in").click()
    assert await barriers(page) == []
    await page.get_by_role("button", name="Create account").click()
    await page.get_by_label("Email").fill(email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("dialog").get_by_role("button", name="Create account").click()
    await page.get_by_label("Code").fill(await code_for(email, stack))
    await page.get_by_role("button", name="Confirm").click()
    await expect(page.get_by_role("button", name=email)).to_be_visible()

    await page.reload()
    await page.get_by_role("button", name=email).click()
    await page.get_by_role("button", name="Sign out", exact=True).click()
    await expect(page.get_by_role("button", name="You are a guest")).to_be_visible()


async def test_an_uploaded_document_is_cited(visitor: Visitor, stack: Stack, tmp_path: Path) -> None:
    """A file of one's own is followed until it is ready, and is answered from; deleting it can be undone."""
    word = f"Zephyr{uuid4().hex[:6]}"
    file = tmp_path / "zephyr.md"
    file.write_text(f"# {word} plan\n\nHow long does a transfer take on the {word} plan? It takes four minutes.\n")
    page = await visitor.opens()
    await sign_in(page, EDITOR_EMAIL, stack.secrets.editor)
    await page.get_by_role("link", name="Documents").click()
    await page.locator("input[type=file]").set_input_files(file)
    row = page.get_by_role("main").get_by_role("listitem").filter(has_text=f"{word} plan")
    await expect(row).to_contain_text("Ready", timeout=WITHIN_MS)
    await expect(row).to_contain_text("Only me")
    assert await barriers(page) == []

    await page.get_by_role("link", name="New chat").click()
    await ask(page, f"{word} plan: {new_question()}")
    await ended(page)
    await expect(answer(page).get_by_role("button", name=re.compile(f"Source 1: {word} plan"))).to_be_visible()

    await page.get_by_role("link", name="Documents").click()
    await page.get_by_role("button", name=f"Delete “{word} plan”").click()
    await expect(row).to_have_count(0)
    await page.get_by_role("button", name="Undo").click()
    await expect(row).to_be_visible()


async def test_a_file_of_no_known_kind_says_so(visitor: Visitor, stack: Stack, tmp_path: Path) -> None:
    """The reason stands where the file would stand, and goes when it is dismissed."""
    file = tmp_path / "picture.png"
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(64))
    page = await visitor.opens()
    await sign_in(page, EDITOR_EMAIL, stack.secrets.editor)
    await page.get_by_role("link", name="Documents").click()
    visitor.expects_refusals = True
    await page.locator("input[type=file]").set_input_files(file)
    row = page.get_by_role("listitem").filter(has_text="picture.png")
    await expect(row).to_contain_text("This kind of file cannot be read.")
    await row.get_by_role("button", name="Dismiss").click()
    await expect(row).to_have_count(0)
