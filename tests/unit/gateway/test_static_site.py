"""The web page as the gateway serves it."""

import base64
import gzip
import hashlib
from pathlib import Path

import httpx
import pytest
from starlette.responses import PlainTextResponse

from gateway.static_site import StaticSite

PAGE = "<!doctype html><script>start()</script><script src=/a.js></script>"
OTHERWISE = PlainTextResponse("not a page", status_code=404)


def a_build(dist: Path, name: str, files: dict[str, str]) -> None:
    """A finished build, to which `current` leads."""
    for path, content in files.items():
        file = dist / name / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    link = dist / "current"
    link.unlink(missing_ok=True)
    link.symlink_to(name)


@pytest.fixture
def client(tmp_path: Path) -> httpx.AsyncClient:
    site = StaticSite(tmp_path, connects_to=["https://users.example.com/pool"], otherwise=OTHERWISE)
    return httpx.AsyncClient(transport=httpx.ASGITransport(site), base_url="http://gateway")


async def test_a_page_runs_only_the_inline_scripts_it_came_with(client: httpx.AsyncClient, tmp_path: Path) -> None:
    """The policy names the hash of each, the addresses for signing in, and nothing unsafe."""
    a_build(tmp_path, "one", {"index.html": PAGE})

    policy = (await client.get("/")).headers["content-security-policy"]

    digest = base64.b64encode(hashlib.sha256(b"start()").digest()).decode()
    assert f"script-src 'self' 'sha256-{digest}';" in policy
    assert "connect-src 'self' https://users.example.com;" in policy
    assert "unsafe" not in policy


async def test_pages_have_addresses_without_an_ending(client: httpx.AsyncClient, tmp_path: Path) -> None:
    """`documents.html` is `/documents`; parts with a hash in their name are kept for good, pages are asked for."""
    a_build(tmp_path, "one", {"index.html": PAGE, "documents.html": "documents", "_next/static/a.js": "a()"})

    assert (await client.get("/documents")).text == "documents"
    assert (await client.get("/documents")).headers["cache-control"] == "no-cache"
    assert "immutable" in (await client.get("/_next/static/a.js")).headers["cache-control"]


async def test_who_is_lost_is_shown_a_page(client: httpx.AsyncClient, tmp_path: Path) -> None:
    """A browser at an address that leads nowhere; programs, and all that ask for the API, get what they always got."""
    a_build(tmp_path, "one", {"index.html": PAGE, "404.html": "lost"})
    browser = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}

    lost = await client.get("/nowhere", headers=browser)

    assert (lost.status_code, lost.text) == (404, "lost")
    assert "content-security-policy" in lost.headers
    assert (await client.get("/nowhere")).text == "not a page"
    assert (await client.get("/v1/nowhere", headers=browser)).text == "not a page"


async def test_until_the_first_build_the_front_page_says_so(client: httpx.AsyncClient, tmp_path: Path) -> None:
    """It asks again by itself; then the build is there."""
    waiting = await client.get("/")
    a_build(tmp_path, "one", {"index.html": PAGE})

    assert waiting.status_code == 200
    assert 'http-equiv="refresh"' in waiting.text
    assert (await client.get("/")).text == PAGE


async def test_a_new_build_takes_the_place_of_the_old_one(client: httpx.AsyncClient, tmp_path: Path) -> None:
    """Without a restart, and a browser's copy of the old one is not good any more."""
    a_build(tmp_path, "one", {"index.html": "one"})
    etag = (await client.get("/")).headers["etag"]
    kept = await client.get("/", headers={"if-none-match": etag})
    a_build(tmp_path, "two", {"index.html": "two"})
    fresh = await client.get("/", headers={"if-none-match": etag})

    assert kept.status_code == 304
    assert (fresh.status_code, fresh.text) == (200, "two")


async def test_what_is_packed_is_sent_packed_to_who_takes_it(client: httpx.AsyncClient, tmp_path: Path) -> None:
    """And plain to who does not."""
    a_build(tmp_path, "one", {"a.js": "a()"})
    (tmp_path / "one" / "a.js.gz").write_bytes(gzip.compress(b"a()"))

    packed = await client.get("/a.js", headers={"accept-encoding": "gzip"})
    plain = await client.get("/a.js", headers={"accept-encoding": "identity"})

    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.text == plain.text == "a()"


@pytest.mark.parametrize(
    "path",
    ["/secret.txt/../../secret.txt", "/%2e%2e/secret.txt", "/secret", "/one/index.html", "/a.md"],
)
async def test_nothing_but_the_build_is_served(path: str, client: httpx.AsyncClient, tmp_path: Path) -> None:
    """A path is a name in the build or nothing: there is no way out of the folder."""
    (tmp_path / "secret.txt").write_text("secret")
    a_build(tmp_path, "one", {"index.html": PAGE, "a.md": "notes"})

    assert (await client.get(path)).text == "not a page"


async def test_only_reading_is_for_the_page(client: httpx.AsyncClient, tmp_path: Path) -> None:
    """Whatever else is asked gets the answer it would get without a page."""
    a_build(tmp_path, "one", {"index.html": PAGE})

    assert (await client.post("/")).text == "not a page"
