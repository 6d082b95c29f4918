"""What people do with their sessions: rename, delete, find, take along and show them."""

import json
import re
from pathlib import Path

from playwright.async_api import Browser, Page, expect

from tests.e2e.model import new_question, text_of
from tests.e2e.stack import Stack
from tests.web.visitor import Visitor, answer, ask, barriers, ended, shows


async def choose(page: Page, item: str) -> None:
    """An entry of the menu of the session that is shown."""
    await page.get_by_role("main").get_by_role("button", name="More for").press("Enter")
    await page.get_by_role("menuitem", name=item).press("Enter")


async def test_sessions_are_renamed_found_and_deleted_with_a_way_back(visitor: Visitor) -> None:
    """A title is changed in its place; words of an answer lead to it; a deletion is undone by the server."""
    page = await visitor.opens()
    question = new_question()
    await ask(page, question)
    await ended(page)

    side = page.get_by_role("navigation", name="Menu")
    await side.get_by_role("button", name="More for").press("Enter")
    await page.get_by_role("menuitem", name="Rename").press("Enter")
    await page.get_by_role("textbox", name="Title").fill("Speed of transfers")
    await page.keyboard.press("Enter")
    row = side.get_by_role("link", name="Speed of transfers")
    await expect(row).to_be_visible()

    await choose(page, "Delete")
    await expect(row).to_have_count(0)
    async with page.expect_response(re.compile("/restore$")) as restored:
        await page.get_by_role("button", name="Undo").press("Enter")
    assert (await restored.value).ok
    await expect(row).to_be_visible()

    await page.get_by_role("searchbox", name="Search your chats").fill("attempt größe")
    hit = side.get_by_role("listitem").filter(has_text="Answer:")
    await expect(hit.locator("mark").first).to_have_text("attempt")
    assert await barriers(page) == []
    await hit.get_by_role("link").press("Enter")
    await shows(page, text_of(question))
    await expect(answer(page)).to_have_attribute("data-wanted", "true")


async def test_a_session_is_rated_saved_and_shown_to_others(visitor: Visitor, browser: Browser, stack: Stack) -> None:
    """A thumb keeps its reason; files hold what was said; a link shows it to a stranger until it is revoked."""
    page = await visitor.opens()
    question = new_question()
    await ask(page, question)
    await ended(page)

    await answer(page).get_by_role("button", name="Bad answer").click()
    await page.get_by_role("radio", name="Not complete").check(force=True)
    await page.get_by_label("In your words").fill("The fees are missing.")
    assert await barriers(page) == []
    await answer(page).get_by_role("button", name="Send").click()
    await expect(page.get_by_text("stored with the answer")).to_be_visible()

    async with page.expect_download() as saving:
        await choose(page, "Save as JSON")
    saved = json.loads(Path(await (await saving.value).path()).read_text())
    asked, answered = saved["messages"]
    assert asked["content"] == question
    assert answered["feedback"]["rating"] == "down"
    assert answered["feedback"]["reason"] == "Not complete: The fees are missing."

    await choose(page, "Share")
    await page.get_by_role("button", name="Make a link").click()
    link = await page.get_by_label("Link", exact=True).input_value()
    assert await barriers(page) == []
    stranger = Visitor(await browser.new_context(), stack.url)
    shown = await stranger.opens(link.removeprefix(stack.url))
    await shows(shown, text_of(question))
    await expect(shown.get_by_role("textbox", name="Your question")).to_have_count(0)
    assert await barriers(shown) == []

    await page.get_by_role("button", name="Revoke the link").click()
    await expect(page.get_by_label("Link", exact=True)).to_have_count(0)
    stranger.expects_refusals = True
    await shown.reload()
    await expect(shown.get_by_role("main").get_by_role("alert")).to_contain_text("This link opens nothing")
    await stranger.context.close()
    assert stranger.complaints == []
