"""A fake of Pinecone, as far as its SDK calls it for us: upsert, query, delete, describe_index_stats, and rerank.

It searches for real, by the cosine, and reranks by the words that a text shares with the query. It refuses what
Pinecone refuses: other dimensions, too many records, too large a body, a foreign key, a delete in a namespace that is
not there. A write is found only after `lag` further queries.
"""

import asyncio
import math
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.http import Connection, Request

API_KEY = "a-pinecone-key"
MAX_RECORDS = 1000
MAX_RERANKED = 100
RERANK_MODEL = "bge-reranker-v2-m3"
MAX_BODY_BYTES = 2 * 1024 * 1024


@dataclass
class Record:
    """A stored vector and what is known of it."""

    values: list[float]
    metadata: dict[str, Any]


@dataclass
class Namespace:
    """Records, those that are written but not found yet, and Pinecone's log sequence numbers."""

    records: dict[str, Record] = field(default_factory=dict)
    unindexed: dict[str, Record] = field(default_factory=dict)
    written: int = 0
    indexed: int = 0
    looks: int = 0


@dataclass
class FakePinecone:
    """The index's state and the trouble it makes.

    Attributes:
        lag: how many queries of a namespace its writes stay unseen.
        trouble: statuses of the next replies, in order; 0 never answers.
        retry_after: seconds, sent with a 429.
        counts: requests by path.
    """

    dimensions: int
    lag: int = 0
    trouble: list[int] = field(default_factory=list)
    retry_after: float | None = None
    host: str = ""
    counts: Counter[str] = field(default_factory=Counter)
    namespaces: dict[str, Namespace] = field(default_factory=dict)

    def handle(self, connection: Connection, request: Request) -> None:
        """Answer one request."""
        self.counts[request.path] += 1
        if self.trouble:
            status = self.trouble.pop(0)
            headers = {} if self.retry_after is None else {"retry-after": f"{self.retry_after:g}"}
            if status:
                connection.reply({"code": 8, "message": "trouble as asked"}, status=status, headers=headers)
        elif request.headers.get("api-key") != API_KEY:
            connection.reply({"code": 16, "message": "Unauthorized"}, status=401)
        elif not request.headers.get("x-pinecone-api-version"):
            connection.reply({"code": 3, "message": "no API version"}, status=400)
        elif len(request.body) > MAX_BODY_BYTES:
            connection.reply({"code": 11, "message": "request size exceeds 2 MB"}, status=413)
        else:
            self._answer(connection, request.path, request.json())

    def _answer(self, connection: Connection, path: str, body: dict[str, Any]) -> None:
        answers = {
            "/vectors/upsert": self._upsert,
            "/query": self._query,
            "/vectors/delete": self._delete,
            "/describe_index_stats": self._stats,
            "/rerank": self._rerank,
        }
        status, reply, headers = answers[path](body)
        connection.reply(reply, status=status, headers=headers)

    def _upsert(self, body: dict[str, Any]) -> tuple[int, Any, dict[str, str]]:
        vectors = body["vectors"]
        if len(vectors) > MAX_RECORDS or any(len(vector["values"]) != self.dimensions for vector in vectors):
            return 400, {"code": 3, "message": "too many vectors, or of another dimension"}, {}
        space = self.namespaces.setdefault(body.get("namespace", ""), Namespace())
        for vector in vectors:
            space.unindexed[vector["id"]] = Record(vector["values"], vector.get("metadata", {}))
        space.written += 1
        space.looks = 0
        return 200, {"upsertedCount": len(vectors)}, {"x-pinecone-request-lsn": str(space.written)}

    def _query(self, body: dict[str, Any]) -> tuple[int, Any, dict[str, str]]:
        if len(body["vector"]) != self.dimensions:
            return 400, {"code": 3, "message": "another dimension"}, {}
        space = self.namespaces.get(body.get("namespace", ""), Namespace())
        if space.looks >= self.lag:
            space.records |= space.unindexed
            space.unindexed.clear()
            space.indexed = space.written
        space.looks += 1
        scored = [{"id": id_, "score": cosine(record.values, body["vector"])} for id_, record in space.records.items()]
        best = sorted(scored, key=lambda match: -float(str(match["score"])))[: body["topK"]]
        reply = {"matches": best, "namespace": body.get("namespace", ""), "usage": {"readUnits": 1}}
        return 200, reply, {"x-pinecone-max-indexed-lsn": str(space.indexed)}

    def _delete(self, body: dict[str, Any]) -> tuple[int, Any, dict[str, str]]:
        space = self.namespaces.get(body["namespace"])
        ids = body.get("ids", ())
        if space is None:
            return 404, {"code": 5, "message": "Namespace not found"}, {}
        if len(ids) > MAX_RECORDS:
            return 400, {"code": 3, "message": "too many ids"}, {}
        if "filter" in body:
            [(name, condition)] = body["filter"].items()
            found = space.records | space.unindexed
            ids = [id_ for id_, record in found.items() if record.metadata.get(name) == condition["$eq"]]
        for id_ in ids:
            space.records.pop(id_, None)
            space.unindexed.pop(id_, None)
        space.written += 1
        return 200, {}, {"x-pinecone-request-lsn": str(space.written)}

    def _rerank(self, body: dict[str, Any]) -> tuple[int, Any, dict[str, str]]:
        if body["model"] != RERANK_MODEL:
            return 404, {"code": 5, "message": "no such model"}, {}
        if len(body["documents"]) > MAX_RERANKED:
            return 400, {"code": 3, "message": "too many documents"}, {}
        words = set(body["query"].split())
        shares = [len(words & set(document["text"].split())) / len(words) for document in body["documents"]]
        best = sorted(range(len(shares)), key=lambda index: -shares[index])[: body["top_n"]]
        data = [{"index": index, "score": shares[index]} for index in best]
        return 200, {"model": body["model"], "data": data, "usage": {"rerank_units": 1}}, {}

    def _stats(self, _body: dict[str, Any]) -> tuple[int, Any, dict[str, str]]:
        counts = {name: {"vectorCount": len(space.records)} for name, space in self.namespaces.items()}
        total = sum(summary["vectorCount"] for summary in counts.values())
        reply = {"namespaces": counts, "dimension": self.dimensions, "indexFullness": 0.0, "totalVectorCount": total}
        return 200, reply, {}


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    """-1 to 1."""
    product = sum(a * b for a, b in zip(one, other, strict=True))
    return product / (math.hypot(*one) * math.hypot(*other))


@asynccontextmanager
async def running(*, dimensions: int) -> AsyncIterator[FakePinecone]:
    """The server on a loopback port of its own, in this process; `host` is what the SDK wants."""
    fake = FakePinecone(dimensions)
    server = await asyncio.get_running_loop().create_server(lambda: Connection(fake.handle), "127.0.0.1", 0)
    fake.host = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield fake
    finally:
        server.close()
        # A client's kept-alive connection would hold the server's end back.
        if sys.version_info >= (3, 13):
            server.close_clients()
