"""Other words and other answers, and the way back to the first ones."""

from playwright.async_api import Page, expect

from tests.e2e.model import Model, new_question, text_of
from tests.web.visitor import Visitor, answer, ask, barriers, ended, session_of, shows


async def versions(page: Page, role: str) -> str:
    """What the switcher of the latest question or answer says."""
    return await page.locator(f".{role}-actions").last.get_by_role("group").get_attribute("aria-label") or ""


async def test_a_question_is_edited_answered_again_and_gone_back_to(visitor: Visitor, model: Model) -> None:
    """By keyboard alone; a reload and another tab show the branch that was chosen."""
    question, edited = new_question(), new_question()
    page = await visitor.opens()
    await ask(page, question)
    await ended(page)
    second = await visitor.opens(f"/?chat={session_of(page)}")

    await page.get_by_role("button", name="Another answer").press("Enter")
    await shows(page, text_of(question, attempt=2))
    await expect(page.get_by_role("group", name="Version 2 of 2")).to_be_visible()

    await page.get_by_role("button", name="Edit question").press("Enter")
    await page.get_by_role("textbox", name="The question in other words").fill(edited)
    await page.keyboard.press("Enter")
    await shows(page, text_of(edited))
    await expect(page.get_by_role("article", name="You")).to_have_text(edited)
    await expect(page.get_by_role("group", name="Version 2 of 2")).to_be_visible()
    await shows(second, text_of(edited))
    assert await barriers(page) == []

    await page.get_by_role("button", name="Previous version").press("Enter")
    await shows(page, text_of(question, attempt=2))
    await expect(page.get_by_role("button", name="Previous version").first).to_be_focused()
    assert (await versions(page, "question"), await versions(page, "answer")) == ("Version 1 of 2", "Version 2 of 2")
    await answer(page).get_by_role("button", name="Previous version").press("ArrowLeft")
    await shows(page, text_of(question))

    await page.reload()
    for tab in (page, second):
        await shows(tab, text_of(question))
        await expect(tab.get_by_role("article", name="You")).to_have_text(question)
