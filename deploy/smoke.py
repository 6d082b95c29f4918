"""`python -m deploy.smoke --url https://...`: what a stranger sees of a deployment, over its public address alone."""

import argparse
import asyncio
import re
import sys
import time
from collections.abc import Awaitable, Callable
from uuid import uuid4

import httpx

from deploy.local.client import Chat, ChatError, is_local
from deploy.local.sign_in import Guest, SignInError, identity_of
from deploy.local.transcript import Transcript

QUESTION = "How long does a transfer take?"
WITHIN_SECONDS = 60.0
_INSIDE = ("/metrics", "/healthz", "/readyz")


class SmokeError(Exception):
    """The deployment does not do what it is there for; the message says what."""


class Smoke:
    """A visit: each step is one thing a stranger relies on, and goes on where the one before ended.

    Args:
        url: of the deployment.
        question: one that its knowledge answers.
        document: the title of a document the answer must cite; any will do where it is None.
    """

    def __init__(self, url: str, http: httpx.AsyncClient, *, question: str, document: str | None) -> None:
        self._url = url.rstrip("/")
        self._http = http
        self._question = question
        self._document = document
        self._session = str(uuid4())
        self._guest: Guest | None = None
        self._answer = Transcript()

    def steps(self) -> dict[str, Callable[[], Awaitable[str]]]:
        """By what they show, in order; each says what it saw."""
        outside = {"the door": self.door} if self._url.startswith("https://") else {}
        return {
            **outside,
            "guest": self.sign_in,
            "answer": self.ask,
            "citations": self.cite,
            "history": self.read_back,
            "strangers": self.keep_out,
            "leaving": self.delete,
        }

    async def door(self) -> str:
        """HTTP leads to HTTPS; what is for the inside answers nobody outside."""
        plain = await self._http.get(f"http{self._url.removeprefix('https')}/", follow_redirects=False)
        target = plain.headers.get("location", "")
        _hold(plain.is_redirect and target.startswith("https://"), f"HTTP answers {plain.status_code}")
        for path in _INSIDE:
            status = (await self._http.get(f"{self._url}{path}")).status_code
            _hold(status == httpx.codes.NOT_FOUND, f"{path} answers {status}")
        return "HTTPS alone, no probes"

    async def sign_in(self) -> str:
        """The deployment says where, and the identity pool lets a stranger in."""
        self._guest = Guest(await identity_of(self._url, self._http), self._http)
        return f"a token of {len(await self._guest.token())} characters"

    async def ask(self) -> str:
        """A question over the socket, and its answer to the end."""
        began, first = time.monotonic(), 0.0
        async with Chat(self._url, self._who.token) as chat:
            async for chunk in chat.ask(self._session, self._question):
                self._answer.apply(chunk)
                if self._answer.text and not first:
                    first = time.monotonic() - began
        _hold(self._answer.finished, "the answer was not stored")
        _hold(self._answer.text.strip(), "the answer is empty")
        return f"{len(self._answer.text)} characters, the first after {first:.1f} s of {time.monotonic() - began:.1f} s"

    async def cite(self) -> str:
        """Every number in the text is a citation, and every citation a document."""
        found = {number: str(one["title"]) for number, one in self._answer.citations.items()}
        _hold(found, "the answer cites nothing: is there a document that answers the question?")
        numbers = set(map(int, re.findall(r"\[(\d+)\]", self._answer.text)))
        _hold(numbers == set(found), f"the text names {sorted(numbers)}, the citations are {sorted(found)}")
        _hold(self._document in {None, *found.values()}, f"{self._document} is not cited, but {sorted(found.values())}")
        return ", ".join(sorted(set(found.values())))

    async def read_back(self) -> str:
        """What was streamed is what was stored."""
        response = await self._call("GET", "/messages", self._who)
        _hold(response.is_success, f"the session answers {response.status_code}")
        stored = [one["content"] for one in response.json()["items"]]
        _hold(stored == [self._question, self._answer.text], "the session holds something else than was streamed")
        return f"{len(stored)} messages"

    async def keep_out(self) -> str:
        """Another guest, and nobody at all, see nothing of it."""
        stranger = Guest(await identity_of(self._url, self._http), self._http)
        status = (await self._call("GET", "/messages", stranger)).status_code
        _hold(status == httpx.codes.NOT_FOUND, f"a stranger gets {status}")
        nobody = (await self._http.get(f"{self._url}/v1/sessions/{self._session}/messages")).status_code
        _hold(nobody == httpx.codes.UNAUTHORIZED, f"without a token it is {nobody}")
        return "404 for another guest, 401 without a token"

    async def delete(self) -> str:
        """The visit leaves no session behind."""
        status = (await self._call("DELETE", "", self._who)).status_code
        _hold(httpx.codes.is_success(status), f"deleting answers {status}")
        return "nothing left"

    @property
    def _who(self) -> Guest:
        if self._guest is None:
            raise SmokeError("nobody signed in")
        return self._guest

    async def _call(self, method: str, path: str, who: Guest) -> httpx.Response:
        headers = {"authorization": f"Bearer {await who.token()}"}
        return await self._http.request(method, f"{self._url}/v1/sessions/{self._session}{path}", headers=headers)


def _hold(holds: object, otherwise: str) -> None:
    if not holds:
        raise SmokeError(otherwise)


async def smoke(url: str, *, question: str = QUESTION, document: str | None = None, within: float) -> int:
    """0 when every step held, within the time; the first that did not is the last that is tried."""
    async with httpx.AsyncClient(trust_env=not is_local(url), timeout=20.0) as http:
        name = "the address"
        try:
            async with asyncio.timeout(within):
                for name, step in Smoke(url, http, question=question, document=document).steps().items():
                    print(f"ok  {name}: {await step()}", flush=True)
        except TimeoutError:
            print(f"no  {name}: no end within {within:.0f} s", file=sys.stderr)
        except (SmokeError, ChatError, SignInError) as error:
            print(f"no  {name}: {error}", file=sys.stderr)
        except httpx.HTTPError as error:
            print(f"no  {name}: {type(error).__name__} at {url}", file=sys.stderr)
        else:
            return 0
    return 1


def main() -> int:
    """Visit, as the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.smoke", description="Visit a deployment as a stranger does."
    )
    parser.add_argument("--url", required=True, help="its public address")
    parser.add_argument("--question", default=QUESTION, help="one that its knowledge answers")
    parser.add_argument("--document", default=None, help="title of a document that the answer must cite")
    parser.add_argument("--within", type=float, default=WITHIN_SECONDS, help="seconds")
    arguments = parser.parse_args()
    return asyncio.run(
        smoke(arguments.url, question=arguments.question, document=arguments.document, within=arguments.within)
    )


if __name__ == "__main__":
    sys.exit(main())
