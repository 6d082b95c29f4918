"""Everything about generation that can be set."""

from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from libs.config import ModelSettings, ProcessSettings, RedisSettings, Settings

__all__ = ["ChatSettings", "GenerationSettings", "ModelSettings", "ProcessSettings", "RedisSettings"]


class ChatSettings(Settings):
    """The model that writes; other services may want it too, so without a prefix."""

    chat_model: str = Field("gpt-4.1-mini", min_length=1, description="The model that writes answers")


class GenerationSettings(Settings):
    """What only generation has."""

    model_config = SettingsConfigDict(env_prefix="GENERATION_")

    concurrency: int = Field(400, ge=1, le=2000, description="Answers a process writes at once")
    fallback_model: str | None = Field(
        None, min_length=1, description="The model that writes when CHAT_MODEL is away; on the same endpoint"
    )
    prompt_max_tokens: int = Field(6000, ge=1024, le=1_000_000, description="Tokens of a prompt")
    history_max_tokens: int = Field(1500, ge=0, le=100_000, description="Tokens of earlier messages in a prompt")
    answer_max_tokens: int = Field(1024, ge=16, le=100_000, description="Tokens a model may write")
    token_encoding: Literal["o200k_base", "cl100k_base"] = Field(
        "o200k_base", description="Encoding that prompts are measured with"
    )
    output_limit_parameter: Literal["max_tokens", "max_completion_tokens"] | None = Field(
        None, description="What the endpoint calls the limit of an answer; by its host when not set"
    )
    connect_timeout_seconds: float = Field(5.0, gt=0, description="Time to connect to the model's endpoint")
    first_token_timeout_seconds: float = Field(30.0, gt=0, description="Silence before the first text, per try")
    between_tokens_timeout_seconds: float = Field(15.0, gt=0, description="Silence between two pieces of text")
    model_tries: int = Field(3, ge=1, le=10, description="Calls before the first text, the first one included")
    retry_after_max_seconds: float = Field(
        30.0, ge=0, le=120, description="Longest wait asked for by the model's endpoint that a worker sits out"
    )
    patience_seconds: float = Field(
        90.0,
        ge=0,
        le=3600,
        description="Trouble with the model after so long ends the answer, and begins no other",
    )
