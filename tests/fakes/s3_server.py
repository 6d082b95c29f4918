"""A fake of S3 as far as blobs need it: one bucket in memory, at a loopback port, that can be told to refuse."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

_REFUSAL = "<Error><Code>{code}</Code><Message>as asked</Message><RequestId>1</RequestId></Error>"


@dataclass
class FakeS3:
    """The bucket's state.

    Attributes:
        port: where it listens.
        bucket: its name.
        slows_down: every request is answered with 503 `SlowDown`.
        refused: how many were.
        objects: by name.
    """

    bucket: str
    port: int = 0
    slows_down: bool = False
    refused: int = 0
    objects: dict[str, bytes] = field(default_factory=dict)

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request."""
        content = await request.read()
        if self.slows_down:
            self.refused += 1
            return _refusal("SlowDown", 503)
        bucket, _, name = request.path.lstrip("/").partition("/")
        if bucket != self.bucket:
            return _refusal("NoSuchBucket", 404)
        if request.method == "PUT":
            self.objects[name] = content
        elif request.method == "DELETE":
            self.objects.pop(name, None)
            return web.Response(status=204)
        elif name and name not in self.objects:
            return _refusal("NoSuchKey", 404)
        body = self.objects.get(name, b"")
        return web.Response(body=b"" if request.method == "PUT" else body, headers={"ETag": _etag(body)})


@asynccontextmanager
async def running(bucket: str) -> AsyncIterator[FakeS3]:
    """The server, in this process."""
    fake = FakeS3(bucket)
    app = web.Application(client_max_size=2**30)
    app.router.add_route("*", "/{path:.*}", fake.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, shutdown_timeout=0.1)
        await site.start()
        fake.port = runner.addresses[0][1]
        yield fake
    finally:
        await runner.cleanup()


def _etag(content: bytes) -> str:
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'


def _refusal(code: str, status: int) -> web.Response:
    return web.Response(status=status, text=_REFUSAL.format(code=code), content_type="application/xml")
