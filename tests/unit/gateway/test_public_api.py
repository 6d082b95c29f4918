"""One document shows a caller the whole public API."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from gateway.public_api import PARTIAL_SECONDS, WHOLE_SECONDS, PublicApi, merged, publish
from tests.unit.gateway.test_limits import Watch

DOCUMENTS = Path(__file__).parents[3] / "docs" / "openapi"
SESSIONS = {
    "paths": {"/v1/sessions": {"get": {}}, "/healthz": {"get": {"summary": "theirs"}}, "/metrics": {}},
    "components": {"schemas": {"Session": {"type": "object"}, "Problem": {"title": "theirs"}}},
}
OWN = {
    "openapi": "3.1.0",
    "info": {"title": "Eloquent"},
    "paths": {"/healthz": {"get": {"summary": "ours"}}},
    "components": {"schemas": {"Problem": {"title": "ours"}}},
}


def an_api(answer: Callable[[httpx.Request], httpx.Response]) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://api")


class Api:
    """An API that has a document, or is away."""

    def __init__(self, document: dict[str, Any], *, away: bool = False) -> None:
        self.away = away
        self.asked = 0
        self._document = document
        self.client = an_api(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        assert request.url.path == "/openapi.json"
        if self.away:
            raise httpx.ConnectError("refused")
        return httpx.Response(200, json=self._document)


def test_public_paths_and_components_come_together() -> None:
    """Probes are the gateway's own; where names meet, its own stay."""
    whole = merged(OWN, [SESSIONS])

    assert set(whole["paths"]) == {"/healthz", "/v1/sessions"}
    assert whole["paths"]["/healthz"]["get"]["summary"] == "ours"
    assert whole["components"]["schemas"] == {"Session": {"type": "object"}, "Problem": {"title": "ours"}}
    assert whole["info"] == OWN["info"]
    assert set(OWN["paths"]) == {"/healthz"}


async def test_the_document_is_asked_for_once_in_a_while() -> None:
    """It changes with a deployment, not with a visitor."""
    api, watch = Api(SESSIONS), Watch()
    public = PublicApi(lambda: OWN, [api.client], now=watch)

    first, second = await public.document(), await public.document()
    assert first == second
    assert api.asked == 1

    watch.seconds += WHOLE_SECONDS
    await public.document()
    assert api.asked == 2


async def test_an_api_that_is_away_is_left_out_until_it_is_back() -> None:
    """The rest is shown, and it is asked again soon."""
    api, watch = Api(SESSIONS, away=True), Watch()
    public = PublicApi(lambda: OWN, [Api({"paths": {"/v1/documents": {}}}).client, api.client], now=watch)
    assert set((await public.document())["paths"]) == {"/healthz", "/v1/documents"}

    api.away = False
    watch.seconds += PARTIAL_SECONDS
    assert set((await public.document())["paths"]) == {"/healthz", "/v1/documents", "/v1/sessions"}


async def test_nonsense_for_a_document_is_no_document() -> None:
    """The gateway's own is shown."""
    public = PublicApi(lambda: OWN, [an_api(lambda _: httpx.Response(200, text="<html>"))])

    assert await public.document() == OWN


async def test_the_app_shows_the_whole_document() -> None:
    """At the address that `/docs` reads."""
    app = FastAPI(title="Eloquent")
    publish(app, PublicApi(app.openapi, [Api(SESSIONS).client]))

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://gateway") as client:
        document = (await client.get("/openapi.json")).json()
        page = await client.get("/docs")

    assert set(document["paths"]) == {"/v1/sessions"}
    assert "/openapi.json" in page.text


def test_schemas_of_the_same_name_are_the_same() -> None:
    """In the whole document one would stand for the other."""
    documents = [json.loads(path.read_text())["components"]["schemas"] for path in DOCUMENTS.glob("*.json")]
    names = {name for schemas in documents for name in schemas}

    assert len(documents) >= 3
    for name in names:
        found = [schemas[name] for schemas in documents if name in schemas]
        assert all(schema == found[0] for schema in found), name
