"""The documents API and strangers: what is no upload, no document and no parameter."""

import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from libs.contracts.values import Principal
from tests.integration.ingest.api_calls import as_, post
from tests.integration.ingest.builders import MAX_BYTES, Library


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
