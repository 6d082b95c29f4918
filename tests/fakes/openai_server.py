"""A fake of OpenAI's API: `python -m tests.fakes.openai_server --port 9999 --first-token 0.3 --between 0.02`.

Streams hundreds of answers at once for the price of their writes, and makes the trouble a script asks for (see
`tests.fakes.script`). `POST /control` changes the server's script, `GET /control` says what it has seen.
"""

import argparse
import asyncio
import base64
import random
import re
import struct
import sys
import zlib
from collections import Counter, deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import fields
from functools import partial
from typing import Any

from tests.fakes.allowance import Allowance, tokens_of
from tests.fakes.http import Connection, Request
from tests.fakes.script import CUT, STALL, Script, completion, pieces
from tests.fakes.wheel import Wheel

REQUESTS_KEPT = 200
BAD_KEY = "bad-key"


class FakeOpenAI:
    """The server's state: its script, what it was asked, and how its streams ended.

    Attributes:
        bodies: the latest requests' bodies, oldest first.
        connections: how many clients have connected.
        base64_embeddings: whether it can give vectors as base64.
        counts: `requests`, `streams`, `finished`, `dropped` (by the client), `refused`, `embedded_tokens`.
    """

    def __init__(self, script: Script | None = None, *, dimensions: int = 384) -> None:
        self.script = script or Script()
        self.bodies: deque[dict[str, Any]] = deque(maxlen=REQUESTS_KEPT)
        self.counts: Counter[str] = Counter()
        self.open = 0
        self.base_url = ""
        self.connections = 0
        self.base64_embeddings = True
        self._dimensions = dimensions
        self._hits: Counter[str] = Counter()
        self._wheel = Wheel()
        self._allowance = Allowance()
        self._chance = random.Random(1)  # noqa: S311 - how long an answer takes, the same in each run

    def connect(self) -> Connection:
        """Take a new client."""
        self.connections += 1
        return Connection(self.handle)

    def handle(self, connection: Connection, request: Request) -> None:
        """Answer one request."""
        if request.path == "/control":
            self._control(connection, request)
        elif request.headers.get("authorization") == f"Bearer {BAD_KEY}":
            connection.reply(_error("invalid_api_key", "Incorrect API key provided."), status=401)
        elif request.path.endswith("/models"):
            connection.reply({"object": "list", "data": [{"id": "fake", "object": "model", "owned_by": "nobody"}]})
        elif request.path.endswith("/chat/completions"):
            self._chat(connection, request.json())
        elif request.path.endswith("/embeddings"):
            self._embed(connection, request.json())
        else:
            connection.reply(_error("not_found", "No such path."), status=404)

    def _control(self, connection: Connection, request: Request) -> None:
        if request.method == "POST":
            self.script = self.script.changed(request.json())
            self._hits.clear()
            self._allowance = Allowance()
        script = {field.name: getattr(self.script, field.name) for field in fields(self.script)}
        connection.reply({"script": script, "counts": dict(self.counts), "open": self.open})

    def _next_script(self, body: dict[str, Any]) -> Script:
        model = str(body["model"])
        self.bodies.append(body)
        self.counts["requests"] += 1
        self._hits[model] += 1
        script = self.script.for_model(model)
        return script.healed() if 0 < script.times < self._hits[model] else script

    def _refused(self, connection: Connection, script: Script) -> bool:
        if not script.status:
            return False
        self.counts["refused"] += 1
        headers = {"retry-after": f"{script.retry_after:g}"} if script.retry_after >= 0 else {}
        connection.reply(_error("fake_trouble", "Trouble as asked."), status=script.status, headers=headers)
        return True

    def _chat(self, connection: Connection, body: dict[str, Any]) -> None:
        script = self._next_script(body)
        if self._refused(connection, script):
            return
        if not body.get("stream"):
            connection.reply(completion(script, body["model"]))
            return
        self.counts["streams"] += 1
        connection.begin_events()
        _Stream(self, connection, self._wheel, script, pieces(script, body["model"])).begin()

    def _embed(self, connection: Connection, body: dict[str, Any]) -> None:
        script = self._next_script(body)
        if script.stall_at >= 0 or self._refused(connection, script):
            return
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        at_once = script.tokens_at_once or script.tokens_per_second
        if script.tokens_per_second and (wait := self._allowance.wait_for(texts, script.tokens_per_second, at_once)):
            self.counts["refused"] += 1
            headers = {"retry-after": f"{wait:.3f}"}
            connection.reply(_error("rate_limit_exceeded", "Too many tokens."), status=429, headers=headers)
            return
        vectors = [embedding(text, body.get("dimensions") or self._dimensions) for text in texts]
        as_text = self.base64_embeddings and body.get("encoding_format") == "base64"
        data = [
            {"object": "embedding", "index": n, "embedding": _base64(vector) if as_text else vector}
            for n, vector in enumerate(vectors)
        ]
        usage = {"prompt_tokens": tokens_of(texts), "total_tokens": 0}
        self.counts["embedded_tokens"] += usage["prompt_tokens"]
        answer = {"object": "list", "data": data, "model": body["model"], "usage": usage}
        headers = self._told(script) if script.tokens_at_once else {}
        if not script.embed_seconds:
            connection.reply(answer, headers=headers)
            return
        seconds = script.embed_seconds * self._chance.uniform(0.75, 1.25)
        asyncio.get_running_loop().call_later(seconds, partial(connection.reply, answer, headers=headers))

    def _told(self, script: Script) -> dict[str, str]:
        return {
            "x-ratelimit-limit-tokens": f"{60 * script.tokens_per_second:.0f}",
            "x-ratelimit-remaining-tokens": f"{self._allowance.level or 0:.0f}",
        }


class _Stream:
    """One answer on its way: each step writes a piece and asks the wheel for the next."""

    def __init__(
        self, server: FakeOpenAI, connection: Connection, wheel: Wheel, script: Script, steps: Sequence[bytes]
    ) -> None:
        self._server = server
        self._connection = connection
        self._wheel = wheel
        self._script = script
        self._steps = steps
        self._next = 0
        self._begun = asyncio.get_running_loop().time()
        self._over = False

    def begin(self) -> None:
        self._server.open += 1
        self._connection.on_lost = lambda: self._end("dropped")
        self._plan()

    def _plan(self) -> None:
        due = self._begun + self._script.first_token + self._next * self._script.between
        self._wheel.at(due, self._step)

    def _step(self) -> None:
        if self._over:
            return
        piece = self._steps[self._next]
        if piece is STALL:
            return
        if piece is CUT:
            self._end("cut")
            self._connection.transport.close()
            return
        self._next += 1
        if self._script.half and (both := halves(piece)):
            self._connection.transport.write(both[0])
            self._wheel.at(asyncio.get_running_loop().time() + 0.002, lambda: self._rest(both[1]))
        else:
            self._rest(piece)

    def _rest(self, piece: bytes) -> None:
        if self._over:
            return
        self._connection.transport.write(piece)
        if self._next == len(self._steps):
            self._end("finished")
        else:
            self._plan()

    def _end(self, how: str) -> None:
        if not self._over:
            self._over = True
            self._connection.on_lost = None
            self._server.open -= 1
            self._server.counts[how] += 1


def embedding(text: str, dimensions: int) -> list[float]:
    """A unit vector of the text's words, hashed: texts that share words are near each other, always in the same way."""
    vector = [0.0] * dimensions
    for word in re.findall(r"\w+", text.lower()) or [text]:
        vector[zlib.crc32(word.encode()) % dimensions] += 1.0
    length = sum(value * value for value in vector) ** 0.5
    return [value / length for value in vector]


def _base64(vector: Sequence[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def halves(piece: bytes) -> tuple[bytes, bytes] | None:
    """The piece cut within its first character of several bytes; None when it has none."""
    for n, byte in enumerate(piece):
        if byte >= 0xC0:
            return piece[: n + 1], piece[n + 1 :]
    return None


def _error(code: str, message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": code, "param": None, "code": code}}


@asynccontextmanager
async def running(script: Script | None = None, *, port: int = 0, dimensions: int = 384) -> AsyncIterator[FakeOpenAI]:
    """The server on a loopback port of its own, in this process; `base_url` is what an SDK wants."""
    fake = FakeOpenAI(script, dimensions=dimensions)
    server = await asyncio.get_running_loop().create_server(fake.connect, "127.0.0.1", port)
    fake.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield fake
    finally:
        server.close()
        # A client's kept-alive connection would hold the server's end back.
        if sys.version_info >= (3, 13):
            server.close_clients()


async def _serve(options: argparse.Namespace) -> None:
    script = Script(first_token=options.first_token, between=options.between, tokens=options.tokens, text=options.text)
    async with running(script, port=options.port, dimensions=options.dimensions) as fake:
        sys.stdout.write(f"{fake.base_url}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


def main() -> None:
    """Serve until the process is ended; the first line printed is the base URL."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--first-token", type=float, default=0.3)
    parser.add_argument("--between", type=float, default=0.02)
    parser.add_argument("--tokens", type=int, default=100)
    parser.add_argument("--text", default="")
    parser.add_argument("--dimensions", type=int, default=384)
    options = parser.parse_args()
    try:
        import uvloop

        uvloop.run(_serve(options))
    except KeyboardInterrupt:
        sys.exit(0)


if __name__ == "__main__":
    main()
