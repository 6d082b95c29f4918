"""The documents API: what comes in, who may see it, and what strangers get."""

import asyncio
import hashlib
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI

from ingest_service.api import documents_router
from libs.auth.http import authenticated
from libs.contracts.values import Principal, own_collection
from libs.service.app import build_app
from libs.service.health import Health
from tests.builders import a_principal
from tests.integration.ingest.builders import Library, an_editor

MAX_BYTES = 80_000_000


class Tokens:
    """A verifier that takes a principal's JSON as its token."""

    async def verify(self, token: str) -> Principal:
        return Principal.model_validate_json(bytes.fromhex(token))


def as_(principal: Principal) -> dict[str, str]:
    return {"authorization": f"Bearer {principal.model_dump_json().encode().hex()}"}


@pytest.fixture
def app(library: Library, tmp_path: Path) -> FastAPI:
    router = documents_router(
        library.documents,
        library.removal,
        upload=library.upload,
        principal=authenticated(Tokens()),
        upload_dir=tmp_path,
        upload_max_bytes=MAX_BYTES,
    )
    return build_app("ingest-api", title="Documents", health=Health(), routers=[router])


@pytest.fixture
async def http(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as client:
        yield client


async def post(
    http: httpx.AsyncClient,
    by: Principal,
    content: bytes | str = "Some text.",
    name: str = "notes.txt",
    key: str | None = None,
    **fields: str,
) -> httpx.Response:
    headers = as_(by) | ({} if key is None else {"idempotency-key": key})
    # The declared type is a lie in every test.
    return await http.post("/v1/documents", headers=headers, data=fields, files={"file": (name, content, "image/png")})


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
        "progress": {"done": 0, "total": 0},
        "title": "fees",
        "file_name": "fees.md",
        "collection": own_collection(owner.user_id),
        "media_type": "text/markdown",
        "size_bytes": 13,
        "created_at": "",
        "updated_at": "",
        "failure": None,
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
    await library.versions.fail(UUID(first["id"]), 1, code="crashed", message="It crashed.")
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

    assert (await http.delete(path, headers=as_(an_editor()))).status_code == 204
    assert (await http.get(path, headers=as_(a_principal()))).status_code == 404


async def test_a_deleted_document_is_gone_everywhere(
    http: httpx.AsyncClient, library: Library, owner: Principal
) -> None:
    """No row, no vector, no blob; the collection's version grew; deleting again is a 404."""
    document = (await post(http, owner, "Text about cards.")).json()
    await library.index_all()
    path = f"/v1/documents/{document['id']}"

    assert (await http.delete(path, headers=as_(owner))).status_code == 204

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


@pytest.mark.parametrize("params", [{"cursor": "!"}, {"cursor": "AAAA"}, {"status": "lost"}, {"limit": "0"}])
async def test_wrong_parameters_are_named(http: httpx.AsyncClient, owner: Principal, params: dict[str, str]) -> None:
    """422 with a problem."""
    response = await http.get("/v1/documents", headers=as_(owner), params=params)

    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("document_id", ["1", "..%2Fetc", "%00", "x" * 5000])
async def test_what_is_no_id_is_not_there(http: httpx.AsyncClient, owner: Principal, document_id: str) -> None:
    """404, never an error of ours."""
    response = await http.get(f"/v1/documents/{document_id}", headers=as_(owner))

    assert response.status_code == 404


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\Users\\me\\notes.txt", "notes.txt"),
        ("no\x00tes.txt", "notes.txt"),
        ("/", None),
        ("..", None),
        ("x" * 10_000 + ".txt", None),
        ("Gebühren 💶.txt", "Gebühren 💶.txt"),
        ("<script>alert(1)</script>", "script>"),
    ],
)
async def test_a_name_is_a_name_and_never_a_path(
    http: httpx.AsyncClient, library: Library, owner: Principal, given: str, stored: str | None
) -> None:
    """Only its last part is kept, without control characters; what is no name is refused."""
    boundary = "b0undary"
    body = (
        f'--{boundary}\r\ncontent-disposition: form-data; name="file"; filename="{given}"\r\n\r\n'
        f"Some text.\r\n--{boundary}--\r\n"
    ).encode()

    response = await http.post(
        "/v1/documents",
        headers=as_(owner) | {"content-type": f"multipart/form-data; boundary={boundary}"},
        content=body,
    )

    if stored is None:
        assert response.status_code == 422
        assert library.published == []
    else:
        assert response.json()["file_name"] == stored


@pytest.mark.parametrize(
    ("content", "name", "status", "code"),
    [
        (b"", "empty.txt", 422, "empty_file"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "notes.txt", 415, "unsupported_media_type"),
        (b"PK\x03\x04anything", "notes.docx", 415, "unsupported_media_type"),
        (b"a" * (MAX_BYTES + 1), "large.txt", 413, "document_too_large"),
    ],
)
async def test_what_is_no_document_is_refused_at_once(
    http: httpx.AsyncClient, library: Library, owner: Principal, content: bytes, name: str, status: int, code: str
) -> None:
    """With a code, a reason, and nothing stored."""
    response = await post(http, owner, content, name=name)

    assert (response.status_code, response.json()["code"]) == (status, code)
    assert library.blob_files() == []


@pytest.mark.parametrize(
    ("content_type", "body", "status", "code"),
    [
        ("application/json", b"{}", 415, "multipart_expected"),
        ("multipart/form-data", b"--b\r\n", 415, "multipart_expected"),
        ("multipart/form-data; boundary=" + "b" * 300, b"--b\r\n", 422, "malformed_upload"),
        ("multipart/form-data; boundary=b", b"no boundary", 422, "malformed_upload"),
        ("multipart/form-data; boundary=b", b"", 422, "malformed_upload"),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\ncontent-disposition: form-data; name="title"\r\n\r\nx\r\n--b--\r\n',
            422,
            "file_missing",
        ),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\n\r\nbroken off',
            422,
            "malformed_upload",
        ),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\ncontent-disposition: form-data; name="title"\r\n\r\n' + b"x" * 10_000 + b"\r\n--b--\r\n",
            422,
            "malformed_upload",
        ),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\ncontent-disposition: form-data; name="f"\r\n\r\nx\r\n' * 20 + b"--b--\r\n",
            422,
            "malformed_upload",
        ),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\n\r\nx\r\n' * 2 + b"--b--\r\n",
            422,
            "malformed_upload",
        ),
    ],
)
async def test_a_body_that_is_no_upload_is_refused(
    http: httpx.AsyncClient, owner: Principal, content_type: str, body: bytes, status: int, code: str
) -> None:
    """With a problem that says what is wrong."""
    response = await http.post("/v1/documents", headers=as_(owner) | {"content-type": content_type}, content=body)

    assert (response.status_code, response.json()["code"]) == (status, code)


async def test_a_large_upload_takes_little_memory(
    http: httpx.AsyncClient, library: Library, owner: Principal, tmp_path: Path
) -> None:
    """64 MB go through less than 12 MB, and the temporary file is gone."""
    part = b"All work and no play makes Jack a dull boy.\n" * 1489

    async def body() -> AsyncIterator[bytes]:
        yield b'--b\r\ncontent-disposition: form-data; name="file"; filename="large.txt"\r\n\r\n'
        for _ in range(1024):
            yield part
        yield b"\r\n--b--\r\n"

    tracemalloc.start()
    try:
        response = await http.post(
            "/v1/documents",
            headers=as_(owner) | {"content-type": "multipart/form-data; boundary=b"},
            content=body(),
        )
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert response.json()["size_bytes"] == 1024 * len(part) > 64_000_000
    assert peak < 12_000_000
    assert not list(tmp_path.glob("eloquent-upload-*"))


async def test_the_api_is_documented(http: httpx.AsyncClient) -> None:
    """The upload's parts and its problems are in the OpenAPI document."""
    paths = (await http.get("/openapi.json")).json()["paths"]

    upload = paths["/v1/documents"]["post"]
    assert "file" in upload["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]
    assert {"202", "401", "403", "404", "413", "415", "422", "503"} <= set(upload["responses"])
    assert {"401", "404"} <= set(paths["/v1/documents/{document_id}"]["delete"]["responses"])
