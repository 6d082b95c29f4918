"""A fake of Amazon API Gateway's WebSocket API, as far as clients and gateways meet it.

Clients open sockets to it; `$connect`, what they say and `$disconnect` are called back at one of the gateways after the
other, and `@connections` takes what is posted. It does what API Gateway does: 410 for what has ended, 403 for a
signature that is none, 413 beyond 128 KiB, at most 29 s for a callback, an error message for one that fails.
"""

import asyncio
import json
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request as Handshake
from websockets.http11 import Response

from gateway.api_gateway.headers import ADDRESS, CONNECTION, HOST, ORIGIN, PROOF
from tests.fakes.http import Connection, Request

REGION = "eu-central-1"
STAGE = "test"
ACCESS_KEY, SECRET_KEY = "AKIAFAKE", "a-secret-access-key"
MESSAGE_MAX_BYTES = 128 * 1024
CALLBACK_SECONDS = 29.0
ERRORS = {
    403: "ForbiddenException",
    410: "GoneException",
    413: "PayloadTooLargeException",
    429: "LimitExceededException",
}


@dataclass
class FakeApiGateway:
    """The API's state and the trouble it makes.

    Attributes:
        secret: what the integrations show.
        gateways: addresses; callbacks go to one after the other.
        trouble: statuses of the next posts, in order; 0 takes the post and breaks off without an answer.
        post_seconds: how long each post takes.
        posts: statuses that were given, by method.
        open: sockets by connection id.
    """

    secret: str
    gateways: list[str] = field(default_factory=list)
    trouble: deque[int] = field(default_factory=deque)
    post_seconds: float = 0.0
    posts: Counter[tuple[str, int]] = field(default_factory=Counter)
    open: dict[str, ServerConnection] = field(default_factory=dict)
    url: str = ""
    management_url: str = ""
    most_at_once: int = 0
    _turn: "count[int]" = field(default_factory=count)
    _under_way: Counter[str] = field(default_factory=Counter)
    _http: httpx.AsyncClient = field(default_factory=lambda: httpx.AsyncClient(trust_env=False))
    _tasks: "set[asyncio.Task[None]]" = field(default_factory=set)

    async def call_back(
        self, route: str, connection_id: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> int:
        """The status of the callback's answer; 504 without one."""
        gateway = self.gateways[next(self._turn) % len(self.gateways)]
        given = {PROOF: self.secret, CONNECTION: connection_id, ADDRESS: "192.0.2.1", **(headers or {})}
        try:
            response = await self._http.post(
                f"{gateway}/callbacks/{route}", content=body, headers=given, timeout=CALLBACK_SECONDS
            )
        except httpx.HTTPError:
            return 504
        return response.status_code

    async def let_in(self, socket: ServerConnection, handshake: Handshake) -> Response | None:
        """A handshake is accepted when the callback is."""
        connection_id = _id_of(socket)
        origin = handshake.headers.get("Origin")
        headers = {HOST: "api.example"} | ({} if origin is None else {ORIGIN: origin})
        # Posts may come as soon as the callback has.
        self.open[connection_id] = socket
        status = await self.call_back("connect", connection_id, headers=headers)
        if status == 200:
            return None
        del self.open[connection_id]
        return socket.respond(403 if status < 500 else 502, "refused\n")

    async def serve(self, socket: ServerConnection) -> None:
        """One client, until it goes or is closed."""
        connection_id = _id_of(socket)
        try:
            async for said in socket:
                status = await self.call_back(
                    "message", connection_id, said.encode() if isinstance(said, str) else said
                )
                if status != 200:
                    await socket.send(json.dumps({"message": "Internal server error", "connectionId": connection_id}))
        except ConnectionClosed:
            pass
        finally:
            self.open.pop(connection_id, None)
            await self.call_back("disconnect", connection_id)

    def manage(self, connection: Connection, request: Request) -> None:
        """`@connections`."""
        task = asyncio.create_task(self._manage(connection, request))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _manage(self, connection: Connection, request: Request) -> None:
        connection_id = request.path.rpartition("/")[2].replace("%3D", "=")
        self._under_way[connection_id] += 1
        self.most_at_once = max(self.most_at_once, self._under_way[connection_id])
        try:
            await asyncio.sleep(self.post_seconds)
            status = await self._managed(connection_id, request)
        finally:
            self._under_way[connection_id] -= 1
        self.posts[request.method, status] += 1
        if status:
            connection.reply(
                {}, status=status, headers={"x-amzn-errortype": ERRORS[status]} if status in ERRORS else {}
            )
        else:
            connection.transport.abort()

    async def _managed(self, connection_id: str, request: Request) -> int:
        if not self._is_signed(request):
            return 403
        if self.trouble and request.method == "POST" and (status := self.trouble.popleft()):
            return status
        socket = self.open.get(connection_id)
        if socket is None:
            return 410
        if request.method == "DELETE":
            self.open.pop(connection_id)
            await socket.close(1000)
            return 204
        if len(request.body) > MESSAGE_MAX_BYTES:
            return 413
        await socket.send(request.body.decode())
        return 200

    def _is_signed(self, request: Request) -> bool:
        signed = AWSRequest(request.method, f"http://{request.headers['host']}{request.path}", data=request.body)
        signed.context["timestamp"] = request.headers["x-amz-date"]
        signer = SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY), "execute-api", REGION)
        signed.headers["X-Amz-Date"] = request.headers["x-amz-date"]
        to_sign = signer.string_to_sign(signed, signer.canonical_request(signed))
        return request.headers["authorization"].endswith(f"Signature={signer.signature(to_sign, signed)}")

    async def aclose(self) -> None:
        """Nothing is under way any more."""
        await asyncio.gather(*self._tasks)
        await self._http.aclose()


def _id_of(socket: ServerConnection) -> str:
    return f"{socket.id.hex[:15]}="


@asynccontextmanager
async def api_gateway(secret: str) -> AsyncIterator[FakeApiGateway]:
    """It listens for clients and for posts; gateways are added by the test."""
    fake = FakeApiGateway(secret)
    loop = asyncio.get_running_loop()
    management = await loop.create_server(lambda: Connection(fake.manage), "127.0.0.1", 0)
    sockets = serve(
        fake.serve, "127.0.0.1", 0, process_request=fake.let_in, max_size=MESSAGE_MAX_BYTES, close_timeout=1
    )
    async with management, sockets as server:
        fake.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        fake.management_url = f"http://127.0.0.1:{management.sockets[0].getsockname()[1]}/{STAGE}"
        yield fake
    await fake.aclose()
