"""Generation as a whole between a real Valkey and a fake model."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from pydantic import SecretStr
from redis.asyncio import Redis

from generation_service.settings import ChatSettings, GenerationSettings, ModelSettings, RedisSettings
from generation_service.wiring import build
from libs.answers.names import LogName
from libs.bus.entry import fields_of, stream_key
from libs.contracts.events import AnswerWritten, ContextRetrieved
from libs.contracts.frames import Delta, Frame, decode_frame
from libs.llm.prices import PriceSettings
from tests.fakes.openai_server import FakeOpenAI

PRICES = PriceSettings()
ANSWERED = stream_key(AnswerWritten.stream, 0)
RETRIEVED = stream_key(ContextRetrieved.stream, 0)


@asynccontextmanager
async def service(
    redis_url: str, fake: FakeOpenAI, *, prices: PriceSettings = PRICES, **generation: Any
) -> AsyncIterator[FastAPI]:
    """The worker, running in this process."""
    app = build(
        RedisSettings(redis_url=redis_url, bus_claim_seconds=1.0, bus_max_attempts=2),
        ModelSettings(openai_api_key=SecretStr("key"), openai_base_url=fake.base_url),
        ChatSettings(chat_model="fake"),
        GenerationSettings(**{"token_encoding": "cl100k_base", "model_tries": 1, **generation}),
        prices,
    )
    async with app.router.lifespan_context(app):
        yield app


async def ask(redis: Redis, context: ContextRetrieved) -> None:
    """Put the event on its stream."""
    fields = fields_of(context)
    await redis.xadd(RETRIEVED, dict(zip(fields[::2], fields[1::2], strict=True)))


async def answered(redis: Redis) -> list[AnswerWritten]:
    """The events that came of it."""
    entries: Any = await redis.xrange(ANSWERED)
    return [AnswerWritten.model_validate_json(fields[b"event"]) for _, fields in entries]


async def logged(redis: Redis, context: ContextRetrieved) -> list[Frame]:
    """The frames of its log, all attempts."""
    entries: Any = await redis.xrange(LogName(0, context.turn.answer_id).key)
    return [decode_frame(fields[b"f"]) for _, fields in entries]


def text_of(frames: list[Frame]) -> str:
    """What all deltas say."""
    return "".join(frame.text for frame in frames if isinstance(frame, Delta))
