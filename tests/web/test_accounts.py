"""From a guest to somebody with documents of their own."""

import json
import re
from uuid import uuid4

import httpx
from playwright.async_api import Browser, Page, expect

from deploy.local.environment import EDITOR_EMAIL
from deploy.local.sign_in import identity_of
from tests.e2e.model import Model, name_of, new_question, text_of
from tests.e2e.stack import Stack
from tests.fakes.hosted_ui import HostedUi
from tests.polling import eventually
from tests.web.visitor import Visitor, answer, ask, barriers, ended, shows

PASSWORD = "Ein-gutes-Passwort-1"
DROP = """files => {
    const transfer = new DataTransfer();
    for (const [name, content] of Object.entries(files)) transfer.items.add(new File([content], name));
    const zone = document.querySelector('.drop');
    for (const type of ['dragenter', 'dragover', 'drop']) {
        zone.dispatchEvent(new DragEvent(type, {dataTransfer: transfer, bubbles: true, cancelable: true}));
    }
}"""
"""What a browser does when files are let go over the page."""


async def sign_in(page: Page, email: str, password: str) -> None:
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_label("Email").fill(email)
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("dialog").get_by_role("button", name="Sign in", exact=True).click()
    await expect(page.get_by_role("button", name=email)).to_be_visible()


async def new_account(stack: Stack, email: str) -> None:
    """Somebody with this email, who may sign in with `PASSWORD`."""
    async with httpx.AsyncClient(trust_env=False) as http:
        identity = await identity_of(stack.url, http)
        user = {"ClientId": identity.user_pool_client_id, "Username": email}

        async def call(operation: str, **more: str) -> None:
            target = {"X-Amz-Target": f"AWSCognitoIdentityProviderService.{operation}"}
            (await http.post(identity.user_pool_endpoint, json=user | more, headers=target)).raise_for_status()

        await call("SignUp", Password=PASSWORD)
        await call("ConfirmSignUp", ConfirmationCode=await code_for(email, stack))


async def code_for(email: str, stack: Stack, *, purpose: str = "sign_up") -> str:
    """What the identity provider would have mailed."""

    async def sent() -> str | None:
        lines = [json.loads(line) for line in stack.log_tail().splitlines() if email in line]
        return next((str(line["code"]) for line in reversed(lines) if line.get("purpose") == purpose), None)

    return str(await eventually(sent))


async def test_a_guest_becomes_somebody_in_mid_answer(
    visitor: Visitor, browser: Browser, stack: Stack, model: Model
) -> None:
    """What was asked as a guest is the account's at once and goes on; a second browser finds it, until all sign out."""
    email = f"{uuid4().hex[:8]}@example.com"
    question = new_question()
    pause = model.pause(question, 14)
    page = await visitor.opens()
    await ask(page, question)
    await expect(answer(page)).to_contain_text(name_of(question))

    await page.get_by_role("button", name="Sign in").click()
    assert await barriers(page) == []
    await page.get_by_role("button", name="Create account").click()
    await page.get_by_label("Email").fill(email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("dialog").get_by_role("button", name="Create account").click()
    await page.get_by_label("Code").fill(await code_for(email, stack))
    await page.get_by_role("button", name="Confirm").click()
    await expect(page.get_by_role("button", name=email)).to_be_visible()
    await expect(page.get_by_text("Your chat has come along.")).to_be_visible()
    pause.go_on()
    await shows(page, text_of(question))
    await ended(page)
    await expect(page.get_by_role("link", name=question[:20])).to_be_visible()

    second = Visitor(await browser.new_context(), stack.url)
    elsewhere = await second.opens()
    await sign_in(elsewhere, email, PASSWORD)
    await elsewhere.get_by_role("link", name=question[:20]).click()
    await shows(elsewhere, text_of(question))

    await page.get_by_role("button", name=email).click()
    await page.get_by_role("button", name="Sign out everywhere").click()
    await expect(page.get_by_role("button", name="You are a guest")).to_be_visible()
    await expect(page.get_by_role("link", name=question[:20])).to_have_count(0)
    second.expects_refusals = True
    await elsewhere.reload()
    await expect(elsewhere.get_by_role("status").filter(has_text="Your sign-in has ended")).to_be_visible()
    await second.context.close()
    assert second.complaints == []


async def test_a_forgotten_password_is_replaced(visitor: Visitor, stack: Stack) -> None:
    """The code for a new one comes as the first one did, and the new one lets its owner in."""
    email = f"{uuid4().hex[:8]}@example.com"
    await new_account(stack, email)
    page = await visitor.opens()
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("button", name="Forgotten your password?").click()
    await page.get_by_label("Email").fill(email)
    await page.get_by_role("button", name="Send a code").click()
    await page.get_by_label("Code").fill(await code_for(email, stack, purpose="reset_password"))
    await page.get_by_role("textbox", name="New password").fill(f"{PASSWORD}-neu")
    assert await barriers(page) == []
    await page.get_by_role("button", name="Set password").click()
    await expect(page.get_by_role("button", name=email)).to_be_visible()


async def test_a_provider_signs_one_in(visitor: Visitor, stack: Stack, hosted_ui: HostedUi) -> None:
    """By the pool's own pages and back with a code and the proof of PKCE; signing out ends it there as well."""
    async with httpx.AsyncClient(trust_env=False) as http:
        identity = await identity_of(stack.url, http)

        async def tokens() -> dict[str, str]:
            target = {"X-Amz-Target": "AWSCognitoIdentityProviderService.InitiateAuth"}
            parameters = {"USERNAME": EDITOR_EMAIL, "PASSWORD": stack.secrets.editor}
            call = {
                "AuthFlow": "USER_PASSWORD_AUTH",
                "ClientId": identity.user_pool_client_id,
                "AuthParameters": parameters,
            }
            response = await http.post(identity.user_pool_endpoint, json=call, headers=target)
            found: dict[str, str] = response.json()["AuthenticationResult"]
            return found

        hosted_ui.sign_in = tokens
        page = await visitor.opens()
        await page.get_by_role("button", name="Sign in").click()
        await page.get_by_role("button", name="Continue with Google").click()
        await expect(page.get_by_role("button", name=EDITOR_EMAIL)).to_be_visible()
    await expect(page).to_have_url(f"{stack.url}/")
    assert hosted_ui.asked[-1]["identity_provider"] == "Google"

    # A code that this browser did not ask for is nothing to it.
    await page.goto(f"{stack.url}/sign-in?code=stolen&state=another")
    await expect(page.get_by_role("main").get_by_role("alert")).to_contain_text("was not completed")
    assert await barriers(page) == []
    await page.get_by_role("button", name=EDITOR_EMAIL).click()
    await page.get_by_role("button", name="Sign out", exact=True).click()
    await expect(page.get_by_role("button", name="You are a guest")).to_be_visible()

    async def left() -> bool:
        return hosted_ui.signed_out == 1

    await eventually(left)
    await expect(page).to_have_url(f"{stack.url}/")


async def test_dropped_files_are_followed_and_cited(visitor: Visitor, stack: Stack) -> None:
    """Each file says how far it is and who reads it, or why not; its heading is a question that is answered from it."""
    word, question = f"Zephyr{uuid4().hex[:6]}", new_question()
    files = {
        "zephyr.md": f"# {word} plan\n\n## {question}?\n\nA transfer on the {word} plan takes four minutes.\n",
        "broken.pdf": "%PDF-1.4\nnothing else",
        "picture.png": "\x89PNG\r\n\x1a\n",
    }
    page = await visitor.opens()
    await sign_in(page, EDITOR_EMAIL, stack.secrets.editor)
    await page.get_by_role("link", name="Documents").click()
    await page.get_by_role("button", name="New collection").click()
    await page.get_by_label("Name", exact=True).fill(word)
    await page.get_by_label("Members of editors").select_option("read")
    assert await barriers(page) == []
    await page.get_by_role("button", name="Make it").click()
    await page.get_by_role("radio", name=word).check(force=True)
    visitor.expects_refusals = True
    await page.evaluate(DROP, files)

    rows = page.get_by_role("main").get_by_role("listitem")
    row = rows.filter(has_text=f"{word} plan")
    await expect(row).to_contain_text("Ready")
    await expect(row).to_contain_text(f"{word}: you, and members of editors")
    await expect(rows.filter(has_text="broken.pdf")).to_contain_text("The file is damaged.")
    await expect(rows.filter(has_text="picture.png")).to_contain_text("This kind of file cannot be read.")
    assert await barriers(page) == []

    await page.get_by_role("link", name="New chat").click()
    await page.get_by_role("button", name=question).click()
    await ended(page)
    await expect(answer(page).get_by_role("button", name=re.compile(f"Source 1: {word} plan"))).to_be_visible()

    await page.get_by_role("link", name="Documents").click()
    await page.get_by_role("button", name=f"Delete “{word} plan”").click()
    await expect(row).to_have_count(0)
    await page.get_by_role("button", name="Undo").click()
    await expect(row).to_be_visible()
