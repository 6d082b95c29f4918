"""What history has stored, over its HTTP API with the caller's own token."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

import httpx

from gateway.keys import StoredKey
from gateway.ports import StoredAnswer
from libs.contracts.values import Principal
from libs.errors import RequestError, TransientError
from libs.telemetry.spans import span

TIMEOUT_SECONDS = 5.0

# A kept connection that the other side, idle for too long or being replaced, closed just then: asked again on another.
_CLOSED = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)


class HistoryApi:
    """The history api as `gateway.ports.StoredAnswers`.

    Args:
        client: whose base URL is the history api's; the caller's to close.
    """

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def active(self, session_id: UUID, *, authorization: str) -> UUID | None:
        """As in the port."""
        found = await self._get(f"/v1/sessions/{session_id}/active", authorization)
        return None if found is None else UUID(found["answer_id"])

    async def read(self, session_id: UUID, answer_id: UUID, *, authorization: str) -> StoredAnswer | None:
        """As in the port."""
        found = await self._get(f"/v1/sessions/{session_id}/messages/{answer_id}", authorization)
        if found is None or found.get("status") in {"queued", "opened"}:
            return None
        return StoredAnswer.model_validate(found)

    async def owner_of(self, secret: str) -> Principal | None:
        """Who asks with this API key; None when it is not valid.

        Raises:
            TransientError: history does not answer.
        """
        try:
            found = await self._get("/v1/keys/current", f"Bearer {secret}")
        except RequestError:
            return None
        if found is None:
            return None
        return Principal(user_id=UUID(found["user_id"]), is_guest=False, key=StoredKey.model_validate(found).grant())

    async def keys(self, *, authorization: str, is_key: bool) -> list[StoredKey]:
        """The keys of who calls; of a key itself alone.

        Raises:
            RequestError: 401, the caller is let in no longer.
            TransientError: history does not answer.
        """
        found = await self._get("/v1/keys/current" if is_key else "/v1/keys", authorization)
        return [StoredKey.model_validate(one) for one in ([found] if is_key else (found or {}).get("items", ())) if one]

    async def check(self) -> None:
        """Returns when history may take traffic.

        Raises:
            TransientError: it is away, or not ready.
        """
        await self._request("/readyz", {})

    async def _get(self, path: str, authorization: str) -> dict[str, Any] | None:
        response = await self._request(path, {"authorization": authorization})
        if response is None:
            return None
        found: dict[str, Any] = response.json()
        return found

    async def _request(self, path: str, headers: dict[str, str]) -> httpx.Response | None:
        try:
            response = await self._send(path, headers)
        except httpx.HTTPError as error:
            raise TransientError("the history api does not answer") from error
        if response.status_code == HTTPStatus.NOT_FOUND:
            return None
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            raise RequestError("The token is not valid any more.", status=401, code="invalid_token")
        if response.status_code != HTTPStatus.OK:
            raise TransientError(f"the history api answers {response.status_code}")
        return response

    async def _send(self, path: str, headers: dict[str, str]) -> httpx.Response:
        with span("GET history", "client") as asking:
            asking.say("http.request.method", "GET")
            headers |= asking.headers()
            try:
                return await self._client.get(path, headers=headers, timeout=TIMEOUT_SECONDS)
            except _CLOSED:
                return await self._client.get(path, headers=headers, timeout=TIMEOUT_SECONDS)
