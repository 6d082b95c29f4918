"""The web page, from memory, with the headers that keep it to itself.

A build is a folder of finished files; `current` in the given folder leads to it. A page is found by its exact name, so
there is no path to be led astray, and a new build is served as soon as `current` leads there.
"""

import asyncio
import base64
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

CURRENT = "current"
API_PREFIX = "/v1/"
FOUND, NOT_FOUND = 200, 404
FOREVER = "public, max-age=31536000, immutable"
ASK_FIRST = "no-cache"
MISSING = "/404"
"""The build's page for whoever came by an address that leads nowhere."""

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
"""What a build consists of; nothing else in the folder is served."""
_ENCODINGS = (("br", ".br"), ("gzip", ".gz"))
_INLINE_SCRIPT = re.compile(rb"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL)
_SECURITY = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "x-frame-options": "DENY",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_UNBUILT = b"""<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="2">
<title>Eloquent</title><h1>Eloquent is ready, its web page not yet</h1>
<p>The page is built after the first start, which takes a minute; it appears here by itself. If it does not, the log
says why.</p>"""


@dataclass(frozen=True)
class StaticFile:
    """A file as it is sent: its forms by content encoding, the plain one under ""."""

    bodies: Mapping[str, bytes]
    headers: Mapping[str, str]


class StaticSite:
    """What the router falls back to: the page's files; for all the rest, what would have come without it.

    Args:
        folder: where `current` leads to a build, or will.
        connects_to: addresses that the page may call beside its own origin.
        otherwise: answers what is no file of the build.
    """

    def __init__(self, folder: Path, *, connects_to: Iterable[str], otherwise: ASGIApp) -> None:
        self._current = folder / CURRENT
        self._connects_to = tuple(sorted({_origin(address) for address in connects_to}))
        self._otherwise = otherwise
        self._build: Path | None = None
        self._files: Mapping[str, StaticFile] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A file of the build, the page that says that there is none yet, or `otherwise`."""
        if scope["type"] != "http" or scope["method"] not in {"GET", "HEAD"}:
            await self._otherwise(scope, receive, send)
            return
        await asyncio.to_thread(self._load)
        found = self._files.get(scope["path"])
        if found is not None:
            await _respond(found, Headers(scope=scope))(scope, receive, send)
        elif self._build is None and scope["path"] == "/":
            await _unbuilt()(scope, receive, send)
        elif MISSING in self._files and _is_for_people(scope):
            await _respond(self._files[MISSING], Headers(scope=scope), status=NOT_FOUND)(scope, receive, send)
        else:
            await self._otherwise(scope, receive, send)

    def _load(self) -> None:
        try:
            build = self._current.resolve(strict=True)
        except OSError:
            return
        if build != self._build:
            self._files = read_build(build, connects_to=self._connects_to)
            self._build = build


def read_build(build: Path, *, connects_to: Sequence[str]) -> dict[str, StaticFile]:
    """The build's files by the path they are asked for: `documents.html` is `/documents`, `index.html` is `/`."""
    files: dict[str, StaticFile] = {}
    for path in build.rglob("*"):
        if path.suffix in _TYPES and path.is_file():
            name = f"/{path.relative_to(build).as_posix()}"
            files[_address(name)] = _read(path, name, connects_to)
    return files


def content_security_policy(page: bytes, *, connects_to: Sequence[str]) -> str:
    """Nothing but our own files, and of inline scripts just those that are in this page."""
    hashes = [base64.b64encode(hashlib.sha256(script).digest()).decode() for script in _INLINE_SCRIPT.findall(page)]
    connects = " ".join(["'self'", *connects_to])
    scripts = " ".join(["'self'", *dict.fromkeys(f"'sha256-{digest}'" for digest in hashes)])
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {scripts}",
            "style-src 'self'",
            "font-src 'self'",
            "img-src 'self' data:",
            f"connect-src {connects}",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ]
    )


def _read(path: Path, name: str, connects_to: Sequence[str]) -> StaticFile:
    body = path.read_bytes()
    bodies = {"": body}
    for encoding, suffix in _ENCODINGS:
        packed = path.with_name(path.name + suffix)
        if packed.is_file():
            bodies[encoding] = packed.read_bytes()
    headers = {
        **_SECURITY,
        "content-type": _TYPES[path.suffix],
        # Names below this contain a hash of what is in them.
        "cache-control": FOREVER if name.startswith("/_next/static/") else ASK_FIRST,
        "etag": f'"{hashlib.sha256(body).hexdigest()[:32]}"',
        "vary": "accept-encoding",
    }
    if path.suffix == ".html":
        headers["content-security-policy"] = content_security_policy(body, connects_to=connects_to)
    return StaticFile(bodies, headers)


def _is_for_people(scope: Scope) -> bool:
    """A browser asks for a page by this address, not a program for what an API says."""
    path, accepted = scope["path"], Headers(scope=scope).get("accept", "")
    return "text/html" in accepted and not path.startswith(API_PREFIX)


def _respond(file: StaticFile, asked: Headers, *, status: int = FOUND) -> Response:
    if status == FOUND and asked.get("if-none-match") == file.headers["etag"]:
        return Response(status_code=304, headers=dict(file.headers))
    accepted = {word.partition(";")[0].strip() for word in asked.get("accept-encoding", "").split(",")}
    encoding = next((name for name, _ in _ENCODINGS if name in accepted and name in file.bodies), "")
    headers = {**file.headers, **({"content-encoding": encoding} if encoding else {})}
    return Response(file.bodies[encoding], status, headers)


def _unbuilt() -> Response:
    headers = {
        **_SECURITY,
        "content-type": _TYPES[".html"],
        "cache-control": "no-store",
        "content-security-policy": content_security_policy(_UNBUILT, connects_to=()),
    }
    # A success: a browser shows it, and nothing takes the gateway for broken.
    return Response(_UNBUILT, headers=headers)


def _address(name: str) -> str:
    if not name.endswith(".html"):
        return name
    page = name.removesuffix(".html").removesuffix("/index")
    return page or "/"


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"
