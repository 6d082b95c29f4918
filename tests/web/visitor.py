"""Somebody who uses the page."""

import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from playwright.async_api import BrowserContext, ConsoleMessage, Locator, Page, expect

from deploy.local.state import ROOT

AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WITHIN_MS = 20_000
LOST = re.compile(r"WebSocket connection to|ERR_CONNECTION|ERR_NETWORK|ERR_INTERNET|ERR_ABORTED|ERR_EMPTY|50[234]")
"""What a browser says of itself when the server is away."""
REFUSED = re.compile(r"status of 4\d\d")


@dataclass
class Visitor:
    """A browser context with its pages.

    Attributes:
        url: of the run.
        complaints: errors and warnings of the console, of all pages.
        expects_losses: the server goes away in this test.
        expects_refusals: the API refuses something in this test.
    """

    context: BrowserContext
    url: str
    complaints: list[str] = field(default_factory=list)
    expects_losses: bool = False
    expects_refusals: bool = False

    async def opens(self, path: str = "/") -> Page:
        """A page at this path."""
        page = await self.context.new_page()
        page.set_default_timeout(WITHIN_MS)
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(f"{error}"))
        await page.goto(f"{self.url}{path}")
        return page

    def _hear(self, message: ConsoleMessage) -> None:
        expected = (self.expects_losses and LOST.search(message.text)) or (
            self.expects_refusals and REFUSED.search(message.text)
        )
        if message.type not in {"error", "warning"} or expected:
            return
        self.complaints.append(f"{message.type}: {message.text}")


async def ask(page: Page, question: str) -> None:
    """The question is typed and sent with the keyboard."""
    field = page.get_by_role("textbox", name="Your question")
    await field.fill(question)
    # It can be written before the page knows who is there, and sent when it does.
    await expect(page.get_by_role("button", name="Send", exact=True)).to_be_enabled(timeout=WITHIN_MS)
    await field.press("Enter")


def answer(page: Page) -> Locator:
    """The latest answer."""
    return page.get_by_role("article", name="Answer").last


async def shows(page: Page, text: str) -> None:
    """The latest answer says exactly this, whatever its spaces and chips look like."""
    wanted = r"\s*".join(re.escape(word) for word in text.replace("[1]", " 1 ").split())
    await expect(answer(page).locator(".prose")).to_have_text(re.compile(rf"^\s*{wanted}\s*$"), timeout=WITHIN_MS)


async def ended(page: Page) -> None:
    """No answer is coming in any more."""
    await expect(answer(page)).to_have_attribute("aria-busy", "false", timeout=WITHIN_MS)


def session_of(page: Page) -> str:
    """The session that the page's address names."""
    found = re.search(r"\?chat=([\w-]+)$", page.url)
    assert found, page.url
    return found[1]


async def barriers(page: Page) -> list[str]:
    """What axe finds against the page as it is now."""
    await page.evaluate(_axe())
    found: dict[str, Any] = await page.evaluate("rules => axe.run({runOnly: rules})", RULES)
    return [
        f"{violation['id']} ({violation['impact']}): {node['html'][:200]}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]


@cache
def _axe() -> str:
    return AXE.read_text()
