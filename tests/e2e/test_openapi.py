"""Every HTTP API answers as its own OpenAPI document says, whatever it is asked."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx

from deploy.local.plan import SERVICES
from tests.abuse.apis import address_of, complaints, user_of
from tests.e2e.model import new_question
from tests.e2e.people import Person
from tests.e2e.stack import Stack

SEED = 20_261
EXAMPLES = 3
"""Random requests per operation; `make abuse` asks for many more."""
BODIES = {
    ("sessions", "patch"): {"title": "mine"},
    ("sessions", "put"): {"rating": "down"},
    ("collections", "patch"): {"name": "mine"},
}
"""What a stranger sends to the routes that want something."""
METHODS = {"get", "post", "put", "patch", "delete"}


async def user_with_everything(stack: Stack, http: httpx.AsyncClient) -> tuple[Person, dict[str, str]]:
    """A user, and a session, an answer, a link, a document and an upload of theirs, as parameters of paths."""
    user = await user_of(stack, http)
    await user.ask(uuid4().hex, new_question())
    session = (await user.call("GET", "/v1/sessions")).json()["items"][0]["id"]
    _, answer = await user.messages(session)
    share = (await user.call("POST", f"/v1/sessions/{session}/shares")).json()
    shared = {"share_id": share["id"], "share_token": share["token"]}
    files = {"file": ("own.txt", b"My own note.", "text/plain")}
    document = (await user.call("POST", "/v1/documents", files=files)).json()["id"]
    wanted = {"file_name": "large.txt", "size_bytes": 5}
    upload = (await user.call("POST", "/v1/documents/uploads", json=wanted)).json()["id"]
    collection = (await user.call("POST", "/v1/collections", json={"name": "Own"})).json()["id"]
    key = (await user.call("POST", "/v1/keys", json={"name": "Own"})).json()["id"]
    own = {
        "key_id": key,
        "session_id": session,
        "message_id": answer["id"],
        "document_id": document,
        "upload_id": upload,
        "collection_id": collection,
    }
    return user, own | shared


async def test_no_answer_is_undocumented(stack: Stack, http: httpx.AsyncClient) -> None:
    """Neither a 5xx nor a status, media type, header or body that the document does not have; by Schemathesis."""
    user, own = await user_with_everything(stack, http)
    token = await user.token()
    fixed = {f"path.{name}": value for name, value in own.items()}
    everything, what_there_is = await asyncio.gather(
        complaints(stack.url, token=token, examples=EXAMPLES, seed=SEED, is_door=True),
        complaints(stack.url, token=token, examples=EXAMPLES, seed=SEED, is_door=True, parameters=fixed),
    )

    assert not everything, everything
    assert not what_there_is, what_there_is


async def test_what_a_framework_refuses_is_a_problem_too(stack: Stack, http: httpx.AsyncClient) -> None:
    """No such path, no such method, no such body: RFC 9457 from every process, and which methods there are."""
    for service in SERVICES:
        address = address_of(stack, service.name)
        nowhere = await http.get(f"{address}/nowhere")
        no_method = await http.request("TRACE", f"{address}/healthz")

        assert (nowhere.status_code, no_method.status_code) == (404, 405), service.name
        assert {answer.headers["content-type"] for answer in (nowhere, no_method)} == {"application/problem+json"}
        assert no_method.headers["allow"] == "GET"


async def test_every_route_with_an_id_is_its_owners_alone(stack: Stack, http: httpx.AsyncClient, guest: Person) -> None:
    """All routes of the document, so a new one as well: a stranger's answer is that for what does not exist."""
    user, own = await user_with_everything(stack, http)
    missing = {name: str(uuid4()) for name in own}
    paths = (await http.get(f"{stack.url}/openapi.json")).json()["paths"]
    routes = [(path, method) for path, item in paths.items() for method in METHODS & item.keys() if "{" in path]
    assert len(routes) >= 8
    assert {part for path, _ in routes for part in path.split("/") if part.startswith("{")} == {
        f"{{{name}}}" for name in own
    }, "a route has an id that this test knows nothing about"

    for path, method in routes:
        is_branch = path.endswith("/branch")
        field = {"message_id": own["message_id"]} if is_branch else BODIES.get((path.split("/")[2], method))
        body: dict[str, Any] = {} if field is None else {"json": field}
        theirs = await guest.call(method.upper(), path.format(**own), **body)
        nothing = await guest.call(method.upper(), path.format(**missing), **body)
        nobody = await http.request(method.upper(), f"{stack.url}{path.format(**own)}", **body)

        if "{share_token}" in path:
            # A link is for whoever was given it.
            assert (theirs.status_code, nothing.status_code) == (200, 404), f"{method} {path}"
        else:
            assert theirs.status_code == 404, f"{method} {path}"
            assert theirs.content == nothing.content, f"{method} {path}"
        assert nobody.status_code == 401, f"{method} {path}"
    assert len(await user.messages(own["session_id"])) == 2
    assert (await user.call("GET", f"/v1/documents/{own['document_id']}")).is_success
