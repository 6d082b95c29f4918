"""Chatting in a real browser with everything real behind it but the model."""

import re

import httpx
from playwright.async_api import expect

from tests.e2e.model import Model, new_question, text_of, words_of
from tests.e2e.stack import Stack
from tests.web.visitor import WITHIN_MS, Visitor, answer, ask, barriers, ended, session_of, shows

SEEN = 14
"""Words, so that the citation is among them."""
GUESTS_ANSWERS = 4
"""Under way at once: the gateway's default."""


def beginning(question: str) -> str:
    return "".join(words_of(question)[:SEEN])


async def test_a_first_visit_ends_in_a_cited_answer(visitor: Visitor) -> None:
    """A guest asks at once; the sources come before the words; a citation opens its passage with the words marked."""
    question = new_question()
    page = await visitor.opens()
    assert await barriers(page) == []

    await ask(page, question)
    await expect(page.get_by_role("list", name="Sources")).to_contain_text("Transfers")
    await shows(page, text_of(question))
    await ended(page)
    await expect(page.get_by_role("link", name=question[:20])).to_be_visible()
    assert await barriers(page) == []

    await answer(page).get_by_role("button", name="Source 1: Transfers").press("Enter")
    passage = page.get_by_role("dialog", name="Passage")
    await expect(passage.locator("mark").first).to_contain_text(re.compile("transfer|ten seconds", re.IGNORECASE))
    assert await barriers(page) == []
    await page.keyboard.press("Escape")
    await expect(passage).to_have_count(0)


async def test_a_reload_in_mid_answer_loses_nothing(visitor: Visitor, model: Model) -> None:
    """The text is there again and goes on, in this tab and in one opened meanwhile."""
    question = new_question()
    pause = model.pause(question, SEEN)
    page = await visitor.opens()
    await ask(page, question)
    await shows(page, beginning(question))

    await page.reload()
    await shows(page, beginning(question))
    second = await visitor.opens(f"/?chat={session_of(page)}")
    await shows(second, beginning(question))
    pause.go_on()

    for tab in (page, second):
        await shows(tab, text_of(question))
        await ended(tab)


async def test_stopping_keeps_what_was_written(visitor: Visitor, model: Model) -> None:
    """Escape in the question's field stops the answer, and it is stored as it stands."""
    question = new_question()
    model.pause(question, SEEN)
    page = await visitor.opens()
    await ask(page, question)
    await shows(page, beginning(question))

    await page.get_by_role("textbox", name="Your question").press("Escape")
    await ended(page)
    await expect(answer(page)).to_contain_text("Stopped")

    await page.reload()
    await shows(page, beginning(question))
    await expect(answer(page)).to_contain_text("Stopped")


async def test_a_gateway_that_dies_is_a_quiet_sign(visitor: Visitor, model: Model, stack: Stack) -> None:
    """The page says that the connection is away, comes back by itself, and the text goes on."""
    visitor.expects_losses = True
    question = new_question()
    pause = model.pause(question, SEEN)
    page = await visitor.opens()
    await ask(page, question)
    await shows(page, beginning(question))

    await page.evaluate(
        """() => {
            window.seen = [];
            new MutationObserver(() => {
                if (document.querySelector('.lost')) window.seen.push('lost');
                if (document.querySelector('[role=alert]')) window.seen.push('alert');
            }).observe(document.body, {childList: true, subtree: true});
        }"""
    )
    await stack.kill_service("gateway")
    await page.wait_for_function("window.seen.includes('lost')", timeout=WITHIN_MS)
    pause.go_on()
    await shows(page, text_of(question))
    await ended(page)
    assert "alert" not in await page.evaluate("window.seen")


async def test_being_offline_is_said_and_ends(visitor: Visitor, model: Model) -> None:
    """What is there stays; with the network back the same answer is there to its end."""
    visitor.expects_losses = True
    question = new_question()
    pause = model.pause(question, SEEN)
    page = await visitor.opens()
    await ask(page, question)
    await shows(page, beginning(question))

    await visitor.context.set_offline(True)
    await expect(page.get_by_role("status").filter(has_text="You are offline")).to_be_visible()
    pause.go_on()
    await visitor.context.set_offline(False)
    await expect(page.get_by_role("status").filter(has_text="You are offline")).to_have_count(0)
    await shows(page, text_of(question))
    await ended(page)


async def test_a_limit_is_said_with_its_seconds(visitor: Visitor, model: Model) -> None:
    """Who has as many answers under way as a guest may is told so, and when to ask again."""
    page = await visitor.opens()
    pauses = []
    for _ in range(GUESTS_ANSWERS):
        question = new_question()
        pauses.append(model.pause(question, SEEN))
        await ask(page, question)
        await shows(page, beginning(question))
        await page.get_by_role("link", name="New chat").click()
    await ask(page, new_question())
    alert = page.get_by_role("main").get_by_role("alert")
    await expect(alert).to_contain_text(f"{GUESTS_ANSWERS} answers are being written for you")
    await expect(alert).to_contain_text("again in 5 seconds")
    for pause in pauses:
        pause.go_on()


async def test_a_phone_has_room_for_everything(visitor: Visitor) -> None:
    """Nothing is wider than the screen; the menu opens, holds the focus, and closes."""
    page = await visitor.opens()
    await page.set_viewport_size({"width": 360, "height": 720})
    question = new_question()
    await ask(page, question)
    await shows(page, text_of(question))
    assert await page.evaluate("document.documentElement.scrollWidth") == 360

    await page.get_by_role("button", name="Menu").click()
    await expect(page.get_by_role("navigation", name="Menu").get_by_role("link", name="Eloquent")).to_be_focused()
    await expect(page.get_by_role("link", name=question[:20])).to_be_visible()
    assert await barriers(page) == []
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name="Menu")).to_be_focused()


async def test_the_page_speaks_german_and_goes_dark(visitor: Visitor) -> None:
    """Both are chosen in the settings and kept; the dark page has enough contrast too."""
    page = await visitor.opens()
    await page.get_by_role("button", name="Settings").click()
    await page.get_by_role("radio", name="Dark").check(force=True)
    await page.get_by_role("radio", name="Deutsch").check(force=True)
    await page.keyboard.press("Escape")

    await page.reload()
    await expect(page.get_by_role("heading", name="Was möchten Sie wissen?")).to_be_visible()
    assert await page.evaluate("document.documentElement.lang") == "de"
    assert await page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 25, 26)"
    assert await barriers(page) == []


async def test_the_page_asks_nobody_else(visitor: Visitor, stack: Stack) -> None:
    """Scripts run by their hash or from the page's own origin; what is not there is a page of its own, or a problem."""
    async with httpx.AsyncClient(base_url=stack.url, trust_env=False) as http:
        page = await http.get("/")
        missing = await http.get("/v1/nothing")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert missing.headers["content-type"] == "application/problem+json"
    hosts: set[str] = set()
    opened = await visitor.context.new_page()
    opened.on("request", lambda request: hosts.add(request.url.split("/")[2].rsplit(":", 1)[0]))
    await opened.goto(stack.url)
    await expect(opened.get_by_role("heading", name="What would you like to know?")).to_be_visible()
    assert hosts == {"127.0.0.1"}
