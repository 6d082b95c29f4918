"""Large files go straight to the blob store with a form, and are documents when they are confirmed."""

import asyncio
from uuid import UUID, uuid4

import httpx

from ingest_service.direct import collect
from ingest_service.granted import WAITING_MAX
from libs.contracts.values import Principal, own_collection
from tests.builders import a_principal
from tests.integration.ingest.api_calls import as_
from tests.integration.ingest.builders import MAX_BYTES, Library

PATH = "/v1/documents/uploads"
TEXT = b"One about cards.\n\nTwo about cash."


async def begin(
    http: httpx.AsyncClient,
    by: Principal,
    *,
    name: str = "notes.txt",
    size: int = len(TEXT),
    key: str | None = None,
    **more: str,
) -> httpx.Response:
    headers = as_(by) | ({} if key is None else {"idempotency-key": key})
    return await http.post(PATH, headers=headers, json={"file_name": name, "size_bytes": size, **more})


async def send(http: httpx.AsyncClient, begun: httpx.Response, content: bytes = TEXT) -> int:
    form = begun.json()
    return (await http.post(form["url"], data=form["fields"], files={"file": ("any", content)})).status_code


async def complete(http: httpx.AsyncClient, by: Principal, begun: httpx.Response) -> httpx.Response:
    return await http.post(f"{PATH}/{begun.json()['id']}/complete", headers=as_(by))


def waiting(library: Library) -> int:
    return sum(path.is_file() for path in (library.folder / "blobs" / "incoming").glob("*"))


async def test_a_file_that_was_sent_and_confirmed_is_a_document(
    http: httpx.AsyncClient, library: Library, owner: Principal
) -> None:
    """As if it had come in one request, once however often it is confirmed; nothing of it is left waiting."""
    begun = await begin(http, owner, name="C:\\Guides\\Cards.txt", title="  Our cards ")
    sent = await send(http, begun)

    done = await asyncio.gather(*(complete(http, owner, begun) for _ in range(2)))
    again = await complete(http, owner, begun)
    await library.index_all()

    assert (begun.status_code, sent, {one.status_code for one in (*done, again)}) == (201, 204, {202})
    assert len({one.json()["id"] for one in (*done, again)}) == 1
    document = again.json()
    assert (document["file_name"], document["title"], document["version"]) == ("Cards.txt", "Our cards", 1)
    assert await library.search(own_collection(owner.user_id)) == TEXT.decode().split("\n\n")
    assert waiting(library) == 0
    assert len(await library.pool.fetch("SELECT FROM uploads")) == 1


async def test_what_was_not_sent_cannot_be_confirmed(http: httpx.AsyncClient, owner: Principal) -> None:
    """It can be when it was; a file of another size is not taken at all."""
    begun = await begin(http, owner)

    early = await complete(http, owner, begun)
    wrong = await send(http, begun, TEXT + b"!")
    still = await complete(http, owner, begun)
    await send(http, begun)

    assert (early.status_code, early.json()["code"]) == (409, "upload_incomplete")
    assert (wrong, still.status_code) == (413, 409)
    assert (await complete(http, owner, begun)).status_code == 202


async def test_an_upload_is_its_owners(http: httpx.AsyncClient, owner: Principal) -> None:
    """To anybody else it is not there, and neither is what is no upload's id."""
    begun = await begin(http, owner)
    await send(http, begun)

    stranger = await complete(http, a_principal(), begun)
    nobody = await http.post(f"{PATH}/{uuid4()}/complete", headers=as_(owner))
    nothing = await http.post(f"{PATH}/none/complete", headers=as_(owner))

    assert {(one.status_code, one.json()["code"]) for one in (stranger, nobody, nothing)} == {(404, "upload_not_found")}


async def test_who_may_not_upload_gets_no_form(http: httpx.AsyncClient, owner: Principal) -> None:
    """Guests, collections of others, the public one without the role, too large files, and names that cannot be."""
    answers = [
        await begin(http, a_principal(is_guest=True)),
        await begin(http, owner, collection="public"),
        await begin(http, owner, collection=own_collection(uuid4())),
        await begin(http, owner, size=MAX_BYTES + 1),
        await begin(http, owner, size=0),
        await begin(http, owner, name=".."),
    ]

    assert [(one.status_code, one.json()["code"]) for one in answers] == [
        (403, "forbidden"),
        (403, "forbidden"),
        (404, "collection_not_found"),
        (413, "document_too_large"),
        (422, "invalid_request"),
        (422, "file_missing"),
    ]


async def test_the_same_request_is_the_same_upload(http: httpx.AsyncClient, owner: Principal) -> None:
    """A key stands for one upload, with a new form each time; with another file it is refused."""
    first, second = await asyncio.gather(*(begin(http, owner, key="k") for _ in range(2)))
    other = await begin(http, owner, key="k", size=3)

    assert first.json()["id"] == second.json()["id"]
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_a_file_we_do_not_read_is_refused_when_it_is_confirmed(
    http: httpx.AsyncClient, owner: Principal, library: Library
) -> None:
    """By its bytes, as any upload; no document comes of it."""
    begun = await begin(http, owner, name="notes.txt", size=8)
    await send(http, begun, b"\x89PNG\r\n\x1a\n")

    answer = await complete(http, owner, begun)

    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert await library.documents.list(owner, status=None, before=None, limit=5) == []


async def test_what_is_not_confirmed_is_collected(http: httpx.AsyncClient, owner: Principal, library: Library) -> None:
    """Row and file go when the form has expired and nobody can be sending any more; what may still come stays."""
    late, fresh = await begin(http, owner), await begin(http, owner)
    for begun in (late, fresh):
        await send(http, begun)
    await library.pool.execute(
        "UPDATE uploads SET expires_at = now() - interval '11 minutes' WHERE upload_id = $1", UUID(late.json()["id"])
    )

    await collect(library.granted, library.incoming)

    assert waiting(library) == 1
    assert (await complete(http, owner, late)).status_code == 404
    assert (await complete(http, owner, fresh)).status_code == 202


async def test_one_person_has_so_many_uploads_under_way(http: httpx.AsyncClient, owner: Principal) -> None:
    """Then they are to be completed first; others are not concerned."""
    begun = [await begin(http, owner) for _ in range(WAITING_MAX)]

    full, other = await begin(http, owner), await begin(http, a_principal())
    await send(http, begun[0])
    await complete(http, owner, begun[0])

    assert (full.status_code, full.json()["code"], other.status_code) == (429, "too_many_uploads", 201)
    assert int(full.headers["retry-after"]) > 0
    assert (await begin(http, owner)).status_code == 201
