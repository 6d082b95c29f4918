"""Joins ports and adapters; the only module of the service that names adapters."""

from dataclasses import replace
from functools import partial

from fastapi import FastAPI

from generation_service.answer import answer
from generation_service.budgets import RedisPurse
from generation_service.ports import ChatModel
from generation_service.prompt import Budget, build_prompt
from generation_service.settings import ChatSettings, GenerationSettings, ModelSettings, RedisSettings
from generation_service.spending import Meter
from generation_service.worker import register
from libs.answers.attempt import Attempt
from libs.answers.writer import AnswerWriter
from libs.bus.bus import Bus
from libs.bus.connection import connect
from libs.contracts.values import Turn
from libs.llm.chat import ChatTimeouts, OpenAIChat
from libs.llm.endpoint import Endpoint
from libs.llm.fallback import FallbackChat
from libs.llm.prices import PriceSettings
from libs.llm.retries import RetryPolicy
from libs.llm.tokens import Tokenizer
from libs.service.app import build_app
from libs.service.health import Health

_BEFORE_THE_FALLBACK = RetryPolicy(tries=2, retry_after_max_seconds=1.0)
"""Who has another model to ask does not wait long for the first."""


def build(
    redis_settings: RedisSettings,
    model_settings: ModelSettings,
    chat_settings: ChatSettings,
    settings: GenerationSettings,
    prices: PriceSettings,
) -> FastAPI:
    """The worker as an app: it takes events from when it has started until it stops."""
    redis = connect(redis_settings.redis_url)
    endpoint = Endpoint(
        api_key=model_settings.openai_api_key.get_secret_value(),
        base_url=model_settings.openai_base_url,
        connect_timeout_seconds=settings.connect_timeout_seconds,
    )
    tokenizer = Tokenizer(settings.token_encoding)
    writer = AnswerWriter(redis)
    bus = Bus(redis_settings, redis, group="generation")
    models = [model for model in (chat_settings.chat_model, settings.fallback_model) if model is not None]

    def meter_of(turn: Turn, attempt: Attempt) -> Meter:
        key = turn.principal.key
        purse = None if key is None else RedisPurse(redis, turn, key, attempt)
        return Meter(purse, prices=prices, tokenizer=tokenizer, models=models)

    register(
        bus,
        prepare=partial(
            build_prompt,
            tokenizer=tokenizer,
            budget=Budget(prompt_tokens=settings.prompt_max_tokens, history_tokens=settings.history_max_tokens),
        ),
        answer=partial(
            answer,
            model=_model(endpoint, chat_settings, settings),
            answer_tokens=settings.answer_max_tokens,
            patience_seconds=settings.patience_seconds,
        ),
        writer=writer,
        meter_of=meter_of,
        model=chat_settings.chat_model,
        concurrency=settings.concurrency,
    )
    pulses = {"bus": bus.alive, "writer": writer.alive}
    return build_app(
        "generation",
        title="Eloquent generation",
        health=Health(checks={"redis": bus.check, "model": endpoint.check}, pulses=pulses),
        resources=[redis, endpoint, tokenizer, writer, bus],
    )


def _model(endpoint: Endpoint, chat: ChatSettings, settings: GenerationSettings) -> ChatModel:
    timeouts = ChatTimeouts(settings.first_token_timeout_seconds, settings.between_tokens_timeout_seconds)
    patient = partial(
        OpenAIChat,
        endpoint,
        timeouts=timeouts,
        retries=RetryPolicy(tries=settings.model_tries, retry_after_max_seconds=settings.retry_after_max_seconds),
        output_limit_parameter=settings.output_limit_parameter,
    )
    if settings.fallback_model is None:
        return patient(model=chat.chat_model)
    # With another model to ask, both tries of the first take no longer than one would take without.
    hasty = replace(timeouts, first_token_seconds=timeouts.first_token_seconds / _BEFORE_THE_FALLBACK.tries)
    first = patient(model=chat.chat_model, timeouts=hasty, retries=_BEFORE_THE_FALLBACK)
    return FallbackChat(first, patient(model=settings.fallback_model))
