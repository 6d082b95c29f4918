"""Requests that AWS takes from us: signed with the credentials of the task, or of whoever runs this."""

import asyncio
import time
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.session import Session

from libs.errors import PermanentError

FRESH_SECONDS = 60.0
"""Credentials are looked after so often; AWS hands out new ones a quarter of an hour before the old ones end."""
SERVICE = "execute-api"


class Signer:
    """Signature version 4 for API Gateway.

    Args:
        region: of the API.
    """

    def __init__(self, region: str) -> None:
        self._region = region
        self._source: Any = None
        self._frozen: Any = None
        self._frozen_at = float("-inf")
        self._refresh = asyncio.Lock()

    async def prepare(self) -> None:
        """There are credentials.

        Raises:
            PermanentError: there are none.
        """
        # In a thread, here and below: on ECS they are fetched from the task's own endpoint.
        self._source = await asyncio.to_thread(Session().get_credentials)
        if self._source is None:
            raise PermanentError("there are no AWS credentials to post to API Gateway with")

    async def headers(self, method: str, url: str, body: bytes) -> dict[str, str]:
        """What a request must carry beside its host, to be sent soon."""
        request = AWSRequest(method, url, data=body, headers={})
        SigV4Auth(await self._credentials(), SERVICE, self._region).add_auth(request)
        return dict(request.headers.items())

    async def _credentials(self) -> Any:
        if time.monotonic() - self._frozen_at > FRESH_SECONDS:
            async with self._refresh:
                if time.monotonic() - self._frozen_at > FRESH_SECONDS:
                    self._frozen = await asyncio.to_thread(self._source.get_frozen_credentials)
                    self._frozen_at = time.monotonic()
        return self._frozen
