"""One OpenAI-compatible endpoint: its client, its readiness, and its errors in our own families."""

import contextlib
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import httpx2
import msgspec
import openai

from libs.errors import EloquentError, PermanentError, TransientError

CHECK_FRESH_SECONDS = 10.0
"""A probe every few seconds need not be a call to the vendor each time."""

KEEPALIVE_SECONDS = 60.0
"""A new TLS connection costs the first token more than an idle socket costs us."""

_OVER_LIMIT = 429
_TRY_AGAIN = {408, 409, 425, 429}
_SERVER_ERROR = 500
_NOT_FOUND = 404
_OPENAI_HOSTS = ("openai.com", "openai.azure.com")


class OverLimitError(TransientError):
    """The endpoint put us off: too many requests or tokens for now."""


class Endpoint:
    """A resource: the SDK's client over aiohttp, open between `__aenter__` and `__aexit__`.

    Args:
        api_key: of the endpoint; local servers take any.
        base_url: ends in `/v1`.
        connect_timeout_seconds: TCP and TLS together.
        connections: open at once at most; a stream holds one.
    """

    def __init__(
        self, *, api_key: str, base_url: str, connect_timeout_seconds: float = 5.0, connections: int = 1000
    ) -> None:
        self.base_url = base_url
        self._api_key = api_key
        self._connect_timeout_seconds = connect_timeout_seconds
        self._connections = connections
        self._client: openai.AsyncOpenAI | None = None
        self._http: httpx2.AsyncClient | None = None
        self._headers: dict[str, str] = {}
        self._answered_at = float("-inf")

    @property
    def client(self) -> openai.AsyncOpenAI:
        """The SDK's client."""
        if self._client is None:
            raise RuntimeError("the endpoint is not open yet")
        return self._client

    @property
    def is_openai(self) -> bool:
        """Whether this is OpenAI's own API or Azure's, not a server that speaks like it."""
        host = urlsplit(self.base_url).hostname or ""
        return any(host == known or host.endswith(f".{known}") for known in _OPENAI_HOSTS)

    async def __aenter__(self) -> Self:
        self._http = openai.DefaultAioHttpClient(
            # Reads are timed by who reads: only they know what they wait for.
            timeout=httpx2.Timeout(None, connect=self._connect_timeout_seconds),
            limits=httpx2.Limits(max_connections=self._connections, keepalive_expiry=KEEPALIVE_SECONDS),
        )
        self._client = openai.AsyncOpenAI(
            api_key=self._api_key,
            base_url=self.base_url,
            # Tries are ours: the SDK's would not see what we know, such as whether text has begun.
            max_retries=0,
            http_client=self._http,
        )
        headers = {**self._client.default_headers, **self._client.auth_headers}
        self._headers = {name: value for name, value in headers.items() if isinstance(value, str)}
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.client.close()
        self._client = self._http = None

    async def post(self, path: str, content: bytes, *, headers: Mapping[str, str]) -> httpx2.Response:
        """The answer, read, to a request in JSON that is small, frequent and answered at once.

        As the SDK would ask, with its client, address and headers, without the objects that it makes of each request.

        Args:
            path: after the base URL.
            content: JSON.
            headers: beside the SDK's.

        Raises:
            EloquentError: as `translated` says.
        """
        if self._http is None:
            raise RuntimeError("the endpoint is not open yet")
        url = self.base_url.rstrip("/") + path
        try:
            response = await self._http.post(url, content=content, headers={**self._headers, **headers})
        except httpx2.TimeoutException as error:
            raise TransientError("the model endpoint did not answer in time") from error
        except httpx2.TransportError as error:
            raise TransientError("the model endpoint cannot be reached") from error
        if response.is_success:
            return response
        raise translated(openai.APIStatusError("", response=response, body=_error_of(response.content)))

    async def check(self) -> None:
        """Return when the endpoint answers and takes our key.

        Raises:
            TransientError: it does not answer.
            PermanentError: it refuses us.
        """
        if time.monotonic() - self._answered_at < CHECK_FRESH_SECONDS:
            return
        try:
            async with self.client.models.with_streaming_response.list():
                pass
        except openai.OpenAIError as error:
            # Not every server lists its models; that it says so is enough.
            if not (isinstance(error, openai.APIStatusError) and error.status_code == _NOT_FOUND):
                raise translated(error) from error
        self._answered_at = time.monotonic()


def _error_of(body: bytes) -> object:
    """What the SDK looks for code and type in."""
    with contextlib.suppress(msgspec.DecodeError):
        told = msgspec.json.decode(body)
        return told.get("error", told) if isinstance(told, dict) else told
    return None


def translated(error: openai.OpenAIError) -> EloquentError:
    """The SDK's error in our families; no text of the vendor's, which may quote the prompt."""
    if isinstance(error, openai.APIStatusError):
        code = safe_code(error.code or error.type)
        what = f"the model endpoint answered {error.status_code}{f' ({code})' if code else ''}"
        # A 429 too, but waiting does not pay the bill.
        if code == "insufficient_quota":
            return PermanentError(what)
        if error.status_code in _TRY_AGAIN or error.status_code >= _SERVER_ERROR:
            family = OverLimitError if error.status_code == _OVER_LIMIT else TransientError
            return family(what, retry_after_seconds=retry_after(error.response.headers.get("retry-after")))
        return PermanentError(what)
    if isinstance(error, openai.APITimeoutError):
        return TransientError("the model endpoint did not answer in time")
    if isinstance(error, openai.APIConnectionError):
        return TransientError("the model endpoint cannot be reached")
    return PermanentError(f"the model client failed: {type(error).__name__}")


def retry_after(header: str | None) -> float | None:
    """Seconds a `Retry-After` header asks for, in either of its forms; None when there is none to understand."""
    if not header:
        return None
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", header.strip()):
        return float(header)
    try:
        when = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, (when.replace(tzinfo=when.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def safe_code(code: object) -> str:
    """A vendor's error code, if it looks like one: it goes into logs."""
    return code if isinstance(code, str) and re.fullmatch(r"[A-Za-z0-9_.-]{1,48}", code) else ""
