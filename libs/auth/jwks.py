"""The public keys of one issuer: fetched when needed, kept through an outage, and not to be flooded."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import httpx
import jwt
import structlog

from libs.clock import Clock, utc_now
from libs.errors import TransientError

log = structlog.get_logger()

FETCH_TIMEOUT_SECONDS = 3.0
"""For the whole fetch, however slowly the bytes drip."""

BODY_MAX_BYTES = 256 * 1024
"""Cognito's key sets are a few KiB per region."""

UNKNOWN_KID_PAUSE = timedelta(minutes=5)
"""Made-up key ids cost the issuer at most one fetch in this time; a real rotation is learnt within it."""

FAILURE_PAUSE = timedelta(seconds=1)
"""After a failed fetch nobody tries again for this long."""

REFRESH_AFTER = timedelta(hours=1)
"""A key that the issuer withdrew is forgotten within this time."""


class KeySet:
    """The signing keys published at one JWKS address, by key id.

    Args:
        url: where the issuer publishes them; nothing in a token can change it.
        algorithm: the one algorithm these keys are used with, whatever the set says.
        clock: decides when keys are old and when an unknown key id may cause a fetch.
    """

    def __init__(self, url: str, *, algorithm: str, clock: Clock = utc_now) -> None:
        self._url = url
        self._algorithm = algorithm
        self._clock = clock
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetching: asyncio.Task[None] | None = None
        now = clock()
        self._refresh_from = now
        self._unknown_kid_from = now
        self._retry_from = now
        self._away = True

    async def key(self, kid: str) -> jwt.PyJWK | None:
        """The key with this id; None when the issuer publishes none.

        Raises:
            TransientError: the issuer could not be asked, so nobody knows.
        """
        while self._fetching is not None or self._fetch_is_due(kid):
            if self._fetching is None:
                self._fetching = asyncio.create_task(self._refresh(kid), name="fetch signing keys")
                self._fetching.add_done_callback(self._fetched)
            elif kid in self._keys:
                break  # what is known is good enough; the others wait for what the fetch brings
            # It is everybody's: whoever asked first may go away before it is done.
            await asyncio.shield(self._fetching)
        found = self._keys.get(kid)
        if found is None and self._away:
            raise TransientError(
                "the issuer's signing keys cannot be fetched", retry_after_seconds=FAILURE_PAUSE.total_seconds()
            )
        return found

    async def ready(self) -> None:
        """Returns when there are keys.

        Raises:
            TransientError: there are none, and they could not be fetched.
        """
        if not self._keys:
            await self.key("")

    def _fetched(self, _task: "asyncio.Task[None]") -> None:
        self._fetching = None

    def _fetch_is_due(self, kid: str) -> bool:
        now = self._clock()
        if now < self._retry_from:
            return False
        if kid in self._keys:
            return now >= self._refresh_from
        return not self._keys or now >= self._unknown_kid_from

    async def _refresh(self, kid: str) -> None:
        now = self._clock()
        # Noted before the request leaves: a fetch that ends with the process is no success.
        self._retry_from = now + FAILURE_PAUSE
        self._away = True
        was_unknown = bool(self._keys) and kid not in self._keys
        try:
            self._keys = self._parse(await _fetch(self._url))
        except (TransientError, TimeoutError) as error:
            log.warning("signing keys not fetched", url=self._url, reason=str(error) or "no answer in time")
            return
        self._away = False
        self._retry_from = now
        self._refresh_from = now + REFRESH_AFTER
        if was_unknown:
            self._unknown_kid_from = now + UNKNOWN_KID_PAUSE

    def _parse(self, body: bytes) -> dict[str, jwt.PyJWK]:
        try:
            entries = json.loads(body)["keys"]
            found = [self._usable(entry) for entry in entries]
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise TransientError("the issuer's key set is not a JSON Web Key Set") from error
        keys = {key.key_id: key for key in found if key is not None and key.key_id}
        if not keys:
            raise TransientError("the issuer's key set has no key that can be used")
        return keys

    def _usable(self, entry: Any) -> jwt.PyJWK | None:
        if not isinstance(entry, dict) or not isinstance(entry.get("kid"), str):
            return None
        if entry.get("kty") != "RSA" or entry.get("use", "sig") != "sig":
            return None
        if entry.get("alg", self._algorithm) != self._algorithm:
            return None
        try:
            return jwt.PyJWK(entry, algorithm=self._algorithm)
        except jwt.PyJWTError:
            return None


async def _fetch(url: str) -> bytes:
    # A proxy from the environment is for the way out, never for an issuer on this machine.
    async with (
        asyncio.timeout(FETCH_TIMEOUT_SECONDS),
        httpx.AsyncClient(timeout=FETCH_TIMEOUT_SECONDS, trust_env=url.startswith("https:")) as client,
    ):
        try:
            async with client.stream("GET", url, headers={"Accept": "application/json"}) as response:
                response.raise_for_status()
                body = bytearray()
                async for part in response.aiter_bytes():
                    body += part
                    if len(body) > BODY_MAX_BYTES:
                        raise TransientError("the issuer's key set is too large")
        except httpx.HTTPError as error:
            raise TransientError(f"the issuer did not give its keys ({type(error).__name__})") from error
    return bytes(body)
