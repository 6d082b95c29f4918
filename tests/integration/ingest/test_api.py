"""The documents API: what comes in, and who may see it."""

import asyncio
import hashlib
from uuid import UUID, uuid4

import httpx

from libs.contracts.values import Principal, own_collection
from tests.builders import a_principal
from tests.integration.ingest.api_calls import as_, post
from tests.integration.ingest.builders import Library, an_editor


async def test_an_upload_is_stored_and_announced(http: httpx.AsyncClient, library: Library, owner: Principal) -> None:
    """202 with the document; its event is out, its bytes are kept, its type is what the bytes say."""
    response = await post(http, owner, "# Fees\n\nNone.", name="fees.md")

    assert response.status_code == 202
    document = response.json()
    assert document | {"id": "", "created_at": "", "updated_at": ""} == {
        "id": "",
        "version": 1,
        "searchable_version": None,
        "status": "uploaded",
        "stage": None,
        "progress": {"done": 0, "total": 0, "seconds_left": None},
        "title": "fees",
        "file_name": "fees.md",
        "collection": own_collection(owner.user_id),
        "media_type": "text/markdown",
        "size_bytes": 13,
        "created_at": "",
        "updated_at": "",
        "failure": None,
        "mine": True,
    }
    [event] = library.published
    assert (str(event.document_id), event.version, event.owner) == (document["id"], 1, owner)
    assert [path.name for path in library.blob_files()] == [hashlib.sha256(b"# Fees\n\nNone.").hexdigest()]


async def test_the_same_bytes_are_no_work(http: httpx.AsyncClient, library: Library, owner: Principal) -> None:
    """Under the same name they are the same document and version, and nothing is announced again."""
    first = (await post(http, owner)).json()
    await library.index_all()

    again = await post(http, owner)

    assert again.status_code == 202
    assert (again.json()["id"], again.json()["version"], again.json()["status"]) == (first["id"], 1, "searchable")
    assert library.published == []


async def test_the_same_name_is_a_new_version(http: httpx.AsyncClient, library: Library, owner: Principal) -> None:
    """Other bytes, or another title, are another state of the same document; another name is another document."""
    first = (await post(http, owner)).json()

    second = (await post(http, owner, "Other text.")).json()
    third = (await post(http, owner, "Other text.", title="Our notes")).json()
    other = (await post(http, owner, name="other.txt")).json()

    assert second["id"] == third["id"] == first["id"] != other["id"]
    assert (second["version"], third["version"], third["title"]) == (2, 3, "Our notes")
    assert [event.version for event in library.published] == [1, 2, 3, 1]


async def test_bytes_that_failed_are_tried_again(http: httpx.AsyncClient, library: Library, owner: Principal) -> None:
    """Uploading a failed document once more is a new version."""
    first = (await post(http, owner)).json()
    await library.versions.fail(UUID(first["id"]), 1, 1, code="crashed", message="It crashed.")
    failed = (await http.get(f"/v1/documents/{first['id']}", headers=as_(owner))).json()

    again = (await post(http, owner)).json()

    assert failed["failure"] == {"code": "crashed", "message": "It crashed."}
    assert (again["id"], again["version"], again["status"], again["failure"]) == (first["id"], 2, "uploaded", None)


async def test_many_uploads_of_one_name_at_once_are_one_document(
    http: httpx.AsyncClient, library: Library, owner: Principal
) -> None:
    """Each content is one version, whoever was first."""
    responses = await asyncio.gather(*(post(http, owner, f"Text {number % 3}.") for number in range(9)))

    assert {response.status_code for response in responses} == {202}
    assert len({response.json()["id"] for response in responses}) == 1
    versions = sorted(event.version for event in library.published)
    assert versions == list(range(1, len(versions) + 1))
    assert len(versions) >= 3


async def test_an_idempotency_key_is_one_upload(http: httpx.AsyncClient, library: Library, owner: Principal) -> None:
    """The same again is the same document, even after newer versions; something else under it is refused."""
    first = (await post(http, owner, key="k-1")).json()
    await post(http, owner, "Newer text.")

    repeated = await post(http, owner, key="k-1")
    stranger = await post(http, a_principal(), "Else.", key="k-1")
    misused = await post(http, owner, "Something else.", key="k-1")
    malformed = await post(http, owner, key="x" * 129)

    assert (repeated.json()["id"], repeated.json()["version"]) == (first["id"], 2)
    assert stranger.status_code == 202
    assert (misused.status_code, misused.json()["code"]) == (422, "idempotency_key_reused")
    assert (malformed.status_code, malformed.json()["code"]) == (422, "invalid_idempotency_key")
    assert len(library.published) == 3


async def test_redis_away_does_not_lose_an_upload(http: httpx.AsyncClient, library: Library, owner: Principal) -> None:
    """It is stored, so it is accepted; the sweep announces it."""
    library.redis_is_away = True

    assert (await post(http, owner)).status_code == 202


async def test_guests_and_strangers_may_not_upload(http: httpx.AsyncClient, library: Library) -> None:
    """Guests are told to sign in; the public collection is for editors; another's collection is not there."""
    user = a_principal()
    guest = await post(http, a_principal(is_guest=True))
    public = await post(http, user, collection="public")
    foreign = await post(http, user, collection=own_collection(uuid4()))
    unknown = await post(http, user, collection="whatever")
    editor = await post(http, an_editor(), collection="public")

    assert (guest.status_code, guest.json()["code"]) == (403, "forbidden")
    assert "sign in" in guest.json()["detail"]
    assert (public.status_code, public.json()["code"]) == (403, "forbidden")
    assert (foreign.status_code, foreign.json()["code"]) == (404, "collection_not_found")
    assert unknown.json() == foreign.json()
    assert editor.status_code == 202
    assert len(library.published) == 1
    assert len(library.blob_files()) == 1


async def test_without_a_token_nothing_works(http: httpx.AsyncClient) -> None:
    """Every route answers 401."""
    for method, path in [("POST", ""), ("GET", ""), ("GET", f"/{uuid4()}"), ("DELETE", f"/{uuid4()}")]:
        assert (await http.request(method, f"/v1/documents{path}")).status_code == 401


async def test_anothers_document_is_not_there(http: httpx.AsyncClient, library: Library, owner: Principal) -> None:
    """On every route it answers exactly as a missing one, to users, guests and editors."""
    mine = (await post(http, owner)).json()
    missing = str(uuid4())
    for stranger in (a_principal(), a_principal(is_guest=True), an_editor()):
        for method in ("GET", "DELETE"):
            foreign = await http.request(method, f"/v1/documents/{mine['id']}", headers=as_(stranger))
            absent = await http.request(method, f"/v1/documents/{missing}", headers=as_(stranger))
            assert foreign.status_code == absent.status_code == 404
            assert foreign.json() == absent.json()
        listed = await http.get("/v1/documents", headers=as_(stranger))
        named = await http.get("/v1/documents", headers=as_(stranger), params={"collection": mine["collection"]})
        assert listed.json() == named.json() == {"items": [], "next_cursor": None}
    assert (await http.get(f"/v1/documents/{mine['id']}", headers=as_(owner))).status_code == 200


async def test_public_documents_are_for_all_to_read_and_editors_to_delete(
    http: httpx.AsyncClient, library: Library
) -> None:
    """A user or guest reads them and may not delete them; another editor may."""
    document = (await post(http, an_editor(), collection="public")).json()
    path = f"/v1/documents/{document['id']}"
    for reader in (a_principal(), a_principal(is_guest=True), a_principal(is_guest=True, groups=("editors",))):
        assert (await http.get(path, headers=as_(reader))).status_code == 200
        assert (await http.delete(path, headers=as_(reader))).json()["code"] == "forbidden"

    assert (await http.delete(path, headers=as_(an_editor()))).status_code == 200
    assert (await http.get(path, headers=as_(a_principal()))).status_code == 404


async def test_a_deleted_document_is_gone_everywhere(
    http: httpx.AsyncClient, library: Library, owner: Principal
) -> None:
    """No row, no vector, no blob; the collection's version grew; deleting again is a 404."""
    document = (await post(http, owner, "Text about cards.")).json()
    await library.index_all()
    path = f"/v1/documents/{document['id']}"

    receipt = await http.delete(path, headers=as_(owner))

    assert (receipt.status_code, receipt.json()) == (
        200,
        {
            "id": document["id"],
            "rows": {"versions": 1, "passages": 1},
            "vectors": "removed",
            "blobs": "removed",
            "caches": "void",
        },
    )

    assert await library.search(document["collection"]) == []
    assert await library.vector_ids() == await library.chunk_ids() == set()
    assert library.blob_files() == []
    assert await library.knowledge_version(document["collection"]) == 2
    assert (await http.delete(path, headers=as_(owner))).status_code == 404


async def test_lists_come_in_pages_newest_first(http: httpx.AsyncClient, library: Library, owner: Principal) -> None:
    """Cursors lead through all documents once; filters narrow them."""
    names = [f"{number}.txt" for number in range(5)]
    for name in names:
        await post(http, owner, f"Text of {name}.", name=name)
    await library.index(library.published[0], last_try=False)
    seen: list[str] = []
    cursor: str | None = None
    while True:
        params = {"limit": "2"} | ({} if cursor is None else {"cursor": cursor})
        page = (await http.get("/v1/documents", headers=as_(owner), params=params)).json()
        seen += [item["file_name"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert seen == names[::-1]
    found = await http.get("/v1/documents", headers=as_(owner), params={"status": "searchable"})
    assert [item["file_name"] for item in found.json()["items"]] == ["0.txt"]
    public = await http.get("/v1/documents", headers=as_(owner), params={"collection": "public"})
    assert public.json()["items"] == []
