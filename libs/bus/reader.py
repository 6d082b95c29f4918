"""Reading streams with FastStream: a few entries a read, handed over as they came."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from faststream import AckPolicy
from faststream.redis import RedisBroker, StreamSub
from faststream.redis.broker.cluster_broker import RedisClusterBroker
from faststream.redis.configs.state import RedisClusterConnectionState, RedisConnectionState
from faststream.redis.message import FAKE_CONSUMER, RedisStreamMessage

from libs.bus.cluster import ClusterClient, connect_cluster, is_cluster
from libs.bus.connection import FOREVER, POLL_SECONDS, Redis, connect
from libs.config import RedisSettings

if TYPE_CHECKING:
    from faststream.redis.subscriber.usecases import StreamBatchSubscriber

MAX_READS = 4096
"""To one server at a time: each stream of each partition has one of its own under way."""

RawEntry = tuple[str, Mapping[bytes, bytes]]
"""An entry's id and its fields."""
Take = Callable[[Sequence[RawEntry]], Awaitable[None]]
"""Takes what one read gave; the next read follows when it returns."""


class StreamReader:
    """The subscribers of one process."""

    def __init__(self, settings: RedisSettings, *, group: str, consumer: str) -> None:
        self._group = group
        self._consumer = consumer
        self._broker = _broker(settings.redis_url)
        self._subscribers: list[StreamBatchSubscriber] = []

    def add(self, key: str, take: Take, *, at_once: int) -> None:
        """Read this stream from the start on, at most `at_once` entries a read."""
        subscriber = self._broker.subscriber(
            stream=StreamSub(
                key,
                group=self._group,
                consumer=self._consumer,
                polling_interval=int(POLL_SECONDS * 1000),
                # Without a count the first worker to ask takes the whole backlog.
                max_records=at_once,
                batch=True,
            ),
            parser=_parse,
            decoder=_decode,
            ack_policy=AckPolicy.MANUAL,
            no_reply=True,
        )

        @subscriber
        async def on_entries(entries: Sequence[RawEntry]) -> None:
            await take(entries)

        self._subscribers.append(subscriber)

    async def start(self) -> None:
        """Begin to read."""
        await self._broker.start()

    def alive(self) -> bool:
        """Whether every subscriber's task still runs; a ping to Redis would not tell."""
        return all(
            subscriber.running and any(not task.done() for task in subscriber.tasks) for subscriber in self._subscribers
        )

    async def stop(self) -> None:
        """Read nothing more."""
        await self._broker.stop()


def _broker(url: str) -> RedisBroker:
    options: dict[str, Any] = {
        # The bus decodes, so that a bad payload is ours to bury; FastStream only reads.
        "apply_types": False,
        # Its own logger would print for people; this one prints as we do.
        "logger": logging.getLogger("faststream"),
        "graceful_timeout": None,
    }
    if is_cluster(url):
        return _ClusterBroker(url, **options)
    return _ServerBroker(url, **options)


class _ServerBroker(RedisBroker):
    """FastStream's own, with our client: a read waits while Redis is away, in one rhythm with all of the process."""

    def __init__(self, url: str, **options: Any) -> None:
        self._url = url
        super().__init__(url, **options)

    def _make_connection_state(self, *_: Any) -> RedisConnectionState:
        return _ServerConnection(self._url)


class _ServerConnection(RedisConnectionState):
    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    async def connect(self) -> Redis:
        self._client = connect(self._url, max_connections=MAX_READS, patience_seconds=FOREVER)
        self._connected = True
        return self._client


class _ClusterBroker(RedisClusterBroker):
    """FastStream's own, with our client: with redis-py's a read that is tried for ever is not tried at all."""

    def __init__(self, url: str, **options: Any) -> None:
        self._url = url
        super().__init__(**options)

    def _make_connection_state(self, *_: Any) -> RedisClusterConnectionState:
        return _ClusterConnection(self._url)


class _ClusterConnection(RedisClusterConnectionState):
    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    async def connect(self) -> ClusterClient:
        if not isinstance(self._client, ClusterClient):
            self._client = connect_cluster(self._url, max_connections=MAX_READS, patience_seconds=FOREVER)
        self._connected = True
        return self._client


async def _parse(message: Any) -> RedisStreamMessage:
    return RedisStreamMessage(raw_message=message, body=b"", consumer=FAKE_CONSUMER, group="")


async def _decode(message: Any) -> Sequence[RawEntry]:
    raw = message.raw_message
    return [(entry_id.decode(), fields) for entry_id, fields in zip(raw["message_ids"], raw["data"], strict=True)]
