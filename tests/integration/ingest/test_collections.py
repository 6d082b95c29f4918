"""The collections API: who may make them, open them, see them, and what goes with them."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from ingest_service.clearing import PIECE
from ingest_service.collections import Change
from libs.contracts.values import Principal, own_collection
from tests.builders import a_principal
from tests.integration.ingest.api_calls import as_, post
from tests.integration.ingest.builders import Library, an_editor

PATH = "/v1/collections"


def a_member(*groups: str) -> Principal:
    return a_principal(groups=groups or ("finance",))


async def made(http: httpx.AsyncClient, by: Principal, **fields: Any) -> str:
    """The id of a new collection."""
    response = await http.post(PATH, headers=as_(by), json={"name": "Budget", **fields})
    assert response.status_code == 201, response.text
    return str(response.json()["id"])


async def listed(http: httpx.AsyncClient, by: Principal, **params: Any) -> list[str]:
    response = await http.get(PATH, headers=as_(by), params=params)
    return [item["id"] for item in response.json()["items"]]


def problem(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


async def test_everybody_has_two_collections(http: httpx.AsyncClient, owner: Principal) -> None:
    """Their own, which they write, and the public one, which editors write; nobody changes either."""
    response = await http.get(PATH, headers=as_(owner))
    editors = (await http.get(f"{PATH}/public", headers=as_(an_editor()))).json()

    own, public = response.json()["items"]
    assert (own["id"], own["kind"], own["mine"]) == (own_collection(owner.user_id), "own", True)
    assert own["may"] == {"upload": True, "manage": False}
    assert (public["id"], public["kind"], public["public"], public["mine"]) == ("public", "public", True, False)
    assert public["may"] == {"upload": False, "manage": False}
    assert editors["may"] == {"upload": True, "manage": False}
    for given in (own["id"], "public"):
        for by in (owner, an_editor()):
            assert (await http.delete(f"{PATH}/{given}", headers=as_(by))).status_code in {403, 404}
        assert problem(await http.patch(f"{PATH}/{given}", headers=as_(owner), json={"public": False}))[0] == 403


async def test_a_new_collection_is_its_owners_alone(http: httpx.AsyncClient, owner: Principal) -> None:
    """On every route it is not there for anybody else, byte for byte as one that never was."""
    mine = await made(http, owner)
    stranger = as_(a_member())

    assert await listed(http, owner) == [own_collection(owner.user_id), "public", mine]
    assert mine not in await listed(http, a_member())
    for method, body in (("GET", None), ("PATCH", {"name": "x"}), ("DELETE", None)):
        theirs = await http.request(method, f"{PATH}/{mine}", headers=stranger, json=body)
        missing = await http.request(method, f"{PATH}/{uuid4()}", headers=stranger, json=body)
        assert problem(theirs) == (404, "collection_not_found")
        assert theirs.content == missing.content
    assert problem(await post(http, a_member(), collection=mine)) == (404, "collection_not_found")


async def test_groups_read_or_write_what_is_opened_to_them(http: httpx.AsyncClient, library: Library) -> None:
    """Who may write may read; a revoke closes everything at once, and other groups keep what they have."""
    owner, reader, writer = a_member("finance", "audit"), a_member("finance"), a_member("audit")
    shared = await made(http, owner, groups={"finance": "read", "audit": "write"})
    document = (await post(http, writer, "Ours.", collection=shared)).json()["id"]
    await library.index_all()

    assert problem(await post(http, reader, "Mine.", collection=shared)) == (403, "forbidden")
    seen = (await http.get(f"{PATH}/{shared}", headers=as_(reader))).json()
    assert (seen["groups"], seen["may"], seen["mine"]) == (None, {"upload": False, "manage": False}, False)
    assert (await http.get(f"/v1/documents/{document}", headers=as_(reader))).status_code == 200
    assert problem(await http.delete(f"/v1/documents/{document}", headers=as_(reader))) == (403, "forbidden")
    changed = await http.patch(f"{PATH}/{shared}", headers=as_(owner), json={"groups": {"finance": None}})

    assert changed.json()["groups"] == {"audit": "write"}
    assert problem(await http.get(f"{PATH}/{shared}", headers=as_(reader)))[0] == 404
    assert problem(await http.get(f"/v1/documents/{document}", headers=as_(reader)))[0] == 404
    assert (await http.get("/v1/documents", headers=as_(reader))).json()["items"] == []
    listed_by_name = await http.get("/v1/documents", headers=as_(reader), params={"collection": shared})
    assert listed_by_name.json()["items"] == []
    assert (await http.get(f"/v1/documents/{document}", headers=as_(writer))).status_code == 200


async def test_people_open_theirs_to_groups_they_are_in(http: httpx.AsyncClient) -> None:
    """What a collection says goes into its readers' answers: only editors open to any group, and to everybody."""
    owner, editor = a_member("finance"), an_editor()
    mine, editors = await made(http, owner), await made(http, editor, public=True, groups={"any": "read"})

    for patch in ({"groups": {"audit": "read"}}, {"public": True}):
        assert problem(await http.patch(f"{PATH}/{mine}", headers=as_(owner), json=patch)) == (403, "forbidden")
    assert problem(await http.post(PATH, headers=as_(owner), json={"name": "x", "public": True})) == (403, "forbidden")
    guest = a_principal(is_guest=True, groups=("any",))
    assert await listed(http, guest) == [own_collection(guest.user_id), "public", editors]
    assert problem(await post(http, owner, "Spam.", collection=editors)) == (403, "forbidden")
    assert (await http.patch(f"{PATH}/{editors}", headers=as_(editor), json={"public": False})).status_code == 200
    assert editors not in await listed(http, guest)


async def test_guests_make_none(http: httpx.AsyncClient) -> None:
    """They are told to sign in by 403, as for an upload."""
    assert problem(await http.post(PATH, headers=as_(a_principal(is_guest=True)), json={"name": "x"})) == (
        403,
        "forbidden",
    )


async def test_the_same_key_is_one_collection(http: httpx.AsyncClient, owner: Principal) -> None:
    """And another body under it is refused."""
    headers = as_(owner) | {"idempotency-key": "k-1"}
    first = await http.post(PATH, headers=headers, json={"name": "Budget"})
    again = await http.post(PATH, headers=headers, json={"name": "Budget"})
    other = await http.post(PATH, headers=headers, json={"name": "Another"})
    malformed = await http.post(PATH, headers=as_(owner) | {"idempotency-key": "a b"}, json={"name": "x"})

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert problem(other) == (422, "idempotency_key_reused")
    assert problem(malformed) == (422, "invalid_idempotency_key")


async def test_pages_show_each_collection_once(http: httpx.AsyncClient, owner: Principal) -> None:
    """Newest first, behind the two that everybody has, in pages of any size."""
    mine = [await made(http, owner) for _ in range(3)]
    expected = [own_collection(owner.user_id), "public", *reversed(mine)]

    for limit in (1, 2, 3, 5, 100):
        seen: list[str] = []
        cursor: str | None = None
        while cursor is not None or not seen:
            params = {"limit": limit} | ({} if cursor is None else {"cursor": cursor})
            page = (await http.get(PATH, headers=as_(owner), params=params)).json()
            assert len(page["items"]) <= limit
            seen += [item["id"] for item in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert seen == expected
    bad = await http.get(PATH, headers=as_(owner), params={"cursor": "nonsense"})
    assert problem(bad) == (422, "invalid_cursor")


async def test_a_deleted_collection_takes_its_documents_along(
    http: httpx.AsyncClient, library: Library, owner: Principal
) -> None:
    """Nobody reads them from that moment; rows, vectors and blobs go; what was still to be indexed never comes."""
    mine = await made(http, owner)
    first = (await post(http, owner, "First text.", collection=mine)).json()["id"]
    await library.index_all()
    await post(http, owner, "Second text.", name="second.txt", collection=mine)

    assert (await http.delete(f"{PATH}/{mine}", headers=as_(owner))).status_code == 204
    await library.index_all()

    assert problem(await http.get(f"{PATH}/{mine}", headers=as_(owner)))[0] == 404
    assert problem(await http.get(f"/v1/documents/{first}", headers=as_(owner)))[0] == 404
    assert problem(await post(http, owner, collection=mine)) == (404, "collection_not_found")
    assert await library.chunk_ids() == set()
    assert await library.vector_ids() == set()
    assert library.blob_files() == []
    assert await library.pool.fetchval("SELECT count(*) FROM removed_collections") == 0
    assert await library.knowledge_version(mine) == 0


async def test_a_large_collection_is_cleared_in_pieces(library: Library, owner: Principal) -> None:
    """Each is a transaction of its own; nobody reads any of it in between, and the last one forgets the collection."""
    made = await library.collections.make(owner, Change(name="Large"), idempotency_key=None, fingerprint="")
    for number in range(PIECE + 1):
        await library.add(f"Text {number}.", by=owner, name=f"{number}.txt", collection=made.collection)
    await library.collections.delete(owner, made.collection)

    assert not await library.clearing.clear_piece(made.collection)
    assert await library.pool.fetchval("SELECT count(*) FROM documents") == 1
    assert await library.documents.list(owner, status=None, before=None, limit=10) == []
    assert await library.clearing.clear_piece(made.collection)
    assert await library.pool.fetchval("SELECT count(*) FROM documents") == 0
    assert await library.pool.fetchval("SELECT count(*) FROM removed_collections") == 0


async def test_a_change_of_rights_voids_what_was_ranked(
    http: httpx.AsyncClient, library: Library, owner: Principal
) -> None:
    """A new name does not; nor does it begin a count for a collection in which nothing was ever found."""
    mine = await made(http, owner)
    await http.patch(f"{PATH}/{mine}", headers=as_(owner), json={"groups": {"x": None}})
    assert await library.knowledge_version(mine) == 0
    await post(http, owner, collection=mine)
    await library.index_all()

    await http.patch(f"{PATH}/{mine}", headers=as_(owner), json={"name": "New"})
    assert await library.knowledge_version(mine) == 1
    await http.patch(f"{PATH}/{mine}", headers=as_(owner), json={"groups": {"x": None}})
    assert await library.knowledge_version(mine) == 2


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": " \u200b\n"},
        {"name": "x" * 201},
        {"name": "x", "groups": {"a b": "read"}},
        {"name": "x", "groups": {"": "read"}},
        {"name": "x", "groups": {"g" * 129: "read"}},
        {"name": "x", "groups": {"g\u0000": "read"}},
        {"name": "x", "groups": {"g": "own"}},
        {"name": "x", "groups": {f"g{n}": "read" for n in range(101)}},
        {"name": "x", "owner": "me"},
    ],
)
async def test_what_is_no_collection_is_refused(http: httpx.AsyncClient, body: dict[str, Any]) -> None:
    """422, and `errors` says what."""
    assert problem(await http.post(PATH, headers=as_(an_editor()), json=body)) == (422, "invalid_request")


@pytest.mark.parametrize("id_", ["%00", "user-", "public%20", "x" * 300, "%F0%9F%92%A9", "'%20OR%201=1"])
async def test_a_malformed_id_is_not_there(http: httpx.AsyncClient, owner: Principal, id_: str) -> None:
    """Like any other that the caller does not have."""
    for method, body in (("GET", None), ("PATCH", {"name": "x"}), ("DELETE", None)):
        response = await http.request(method, f"{PATH}/{id_}", headers=as_(owner), json=body)
        assert problem(response) == (404, "collection_not_found")
