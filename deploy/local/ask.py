"""`python -m deploy.local.ask "question" [--session ID] [--url URL]`: a question from the terminal."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from deploy.local.client import Chat, ChatError, Token, is_local
from deploy.local.settings import LocalSettings
from deploy.local.sign_in import Guest, Identity, SignInError, identity_of
from deploy.local.state import read_json, write_json
from deploy.local.transcript import Transcript
from libs.config import load

CANCELLED = 130
"""What a shell expects of a program that was stopped by Ctrl-C."""


class Paper:
    """Shows a text that grows, on something that cannot take back what it showed.

    Args:
        write: puts text out.
        live: show it as it grows; else once, when it is finished.
    """

    def __init__(self, write: Callable[[str], object], *, live: bool) -> None:
        self._write = write
        self._live = live
        self._shown = ""

    def show(self, text: str, *, finished: bool = False) -> None:
        """`text` is the whole text now. A replay repeats what was shown already; a new attempt may differ from it."""
        if not self._live and not finished:
            return
        if text.startswith(self._shown):
            self._write(text[len(self._shown) :])
        elif self._shown.startswith(text) and not finished:
            return
        else:
            self._write(f"\n\n(The answer was begun again:)\n\n{text}")
        self._shown = text


def citation_lines(citations: Iterable[dict[str, Any]]) -> list[str]:
    """`[n] title — page n / heading`, by number; also slides, sheets and rows."""
    lines = []
    for citation in sorted(citations, key=lambda one: int(one["number"])):
        heading = citation.get("heading") or ""
        heading = heading if isinstance(heading, str) else " > ".join(heading)
        slide = f"slide {citation['slide']}" if citation.get("slide") else ""
        sheet = f"sheet {citation['sheet']}" if citation.get("sheet") else ""
        page = _counted("page", citation.get("page"), citation.get("lastPage"))
        rows = _counted("row", *(citation.get("rows") or (None, None)))
        place = " / ".join(filter(None, (page, slide, sheet, rows, heading)))
        lines.append(f"[{citation['number']}] {citation['title']}" + (f" — {place}" if place else ""))
    return lines


def _counted(what: str, first: int | None, last: int | None) -> str:
    if not first:
        return ""
    return f"{what} {first}" if last in {None, first} else f"{what}s {first}-{last}"


async def ask(question: str, session: str, *, url: str, settings: LocalSettings) -> int:
    """The exit code, when the answer and its citations are on the terminal.

    Raises:
        ChatError: there is no answer to show.
    """
    transcript = Transcript()
    paper = Paper(lambda text: print(text, end="", flush=True), live=sys.stdout.isatty())
    async with httpx.AsyncClient(trust_env=not is_local(url)) as http:
        token = guest_token(await identity_of(url, http), http, kept_in=settings.local_dir / "guest.json")
        async with Chat(url, token) as chat:
            try:
                async for chunk in chat.ask(session, question):
                    transcript.apply(chunk)
                    paper.show(transcript.text)
            except asyncio.CancelledError:
                await chat.abort()
                raise
    paper.show(transcript.text, finished=True)
    print()
    if transcript.aborted:
        raise ChatError("The answer was cancelled.")
    if lines := citation_lines(transcript.citations.values()):
        print("", *lines, sep="\n")
    print(f'\nTo go on: make ask SESSION={session} Q="..."', file=sys.stderr)
    return 0


def guest_token(identity: Identity, http: httpx.AsyncClient, *, kept_in: Path) -> Token:
    """Gives tokens of the guest that `kept_in` remembers, so that their sessions are found again; or of a new one."""
    known = read_json(kept_in)
    place = f"{identity.identity_pool_endpoint} {identity.identity_pool_id}"
    guest = Guest(identity, http, identity_id=known.get(place))

    async def token() -> str:
        fresh = await guest.token()
        if known.get(place) != guest.identity_id:
            known[place] = guest.identity_id
            write_json(kept_in, known)
        return fresh

    return token


def main() -> int:
    """Ask, as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local.ask", description="Ask a question as a guest.")
    parser.add_argument("question")
    parser.add_argument("--session", default=None, help="go on with this session")
    parser.add_argument("--url", default=None, help="address of the gateway")
    arguments = parser.parse_args()
    (settings,) = load(LocalSettings)
    url = (arguments.url or settings.url).rstrip("/")
    try:
        return asyncio.run(ask(arguments.question, arguments.session or str(uuid4()), url=url, settings=settings))
    except KeyboardInterrupt:
        print("\ncancelled", file=sys.stderr)
        return CANCELLED
    except (ChatError, SignInError) as error:
        print(f"\n{error}", file=sys.stderr)
    except httpx.HTTPError as error:
        print(f"Nothing answers at {url} ({type(error).__name__}). Is `make run` running?", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
