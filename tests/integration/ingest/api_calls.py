"""The calls of a client of the documents API."""

import httpx

from libs.contracts.values import Principal


class Tokens:
    """A verifier that takes a principal's JSON as its token."""

    async def verify(self, token: str) -> Principal:
        return Principal.model_validate_json(bytes.fromhex(token))


def as_(principal: Principal) -> dict[str, str]:
    return {"authorization": f"Bearer {principal.model_dump_json().encode().hex()}"}


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
