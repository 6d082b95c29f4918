"""Answers from a chat model, as they are written: the SDK asks, we read (docs/adr/0008-openai-stream.md)."""

import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Literal, TypedDict, cast

import httpx2
import openai

from libs.contracts.values import Usage
from libs.errors import EloquentError
from libs.llm.chunks import Finished
from libs.llm.endpoint import Endpoint
from libs.llm.metrics import FIRST_TOKEN_SECONDS, OPERATION_SECONDS, TOKENS
from libs.llm.reply import Reply
from libs.llm.retries import RetryPolicy, retrying
from libs.llm.spans import answered, model_call
from libs.telemetry.spans import Span

OPERATION = "chat"


class Message(TypedDict):
    """One message as the API takes it."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class ChatTimeouts:
    """How long a model may be silent, in seconds.

    Attributes:
        first_token_seconds: from a try's beginning, connecting included, to its first text.
        between_tokens_seconds: from one event to the next; comments are silence.
    """

    first_token_seconds: float = 30.0
    between_tokens_seconds: float = 15.0


class OpenAIChat:
    """A model behind an endpoint that speaks Chat Completions: OpenAI's, vLLM's, Ollama's, ours.

    Args:
        output_limit_parameter: what the endpoint calls the limit of the answer's tokens; None chooses by its host:
            OpenAI's newer models refuse `max_tokens`, Ollama silently ignores `max_completion_tokens`.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        model: str,
        timeouts: ChatTimeouts | None = None,
        retries: RetryPolicy | None = None,
        output_limit_parameter: Literal["max_tokens", "max_completion_tokens"] | None = None,
    ) -> None:
        self.model = model
        self._endpoint = endpoint
        self._timeouts = timeouts or ChatTimeouts()
        self._retries = retries or RetryPolicy()
        self._limit = output_limit_parameter or ("max_completion_tokens" if endpoint.is_openai else "max_tokens")

    async def stream(
        self, messages: Sequence[Message], *, max_output_tokens: int
    ) -> AsyncGenerator[str | Finished, None]:
        """Pieces of text as they arrive, then one `Finished`, always the last.

        Closing the iterator, or cancelling the task that waits for it, closes the connection at once. Trouble before
        the first text is tried again as the retry policy says; after it there is nothing to try without a new answer.

        Raises:
            InterruptedAnswerError: the text broke off.
            TransientError: no text came, however often it was tried.
            PermanentError: the endpoint refuses this request, and will again.
        """
        begun = time.monotonic()
        call = model_call(OPERATION, self.model, self._endpoint.base_url)
        call.say("gen_ai.request.max_tokens", max_output_tokens)
        try:
            reply = await retrying(lambda: self._begin(messages, max_output_tokens, call), self._retries)
            async with reply:
                first_token_seconds = time.monotonic() - begun
                FIRST_TOKEN_SECONDS.labels(self.model, OPERATION).observe(first_token_seconds)
                call.say("gen_ai.response.time_to_first_chunk", first_token_seconds)
                text = reply.first_text
                while True:
                    if text:
                        yield text
                    if reply.over:
                        break
                    text = await reply.read(self._timeouts.between_tokens_seconds)
                finished = reply.finished(self.model)
                self._count(finished.usage, time.monotonic() - begun)
                answered(call, finished)
                yield finished
                await reply.drain()
        except EloquentError as error:
            seconds = time.monotonic() - begun
            OPERATION_SECONDS.labels(self.model, OPERATION, type(error).__name__).observe(seconds)
            call.end(error)
            raise
        finally:
            # Also of an answer that nobody wants any more.
            call.end()

    async def _begin(self, messages: Sequence[Message], max_output_tokens: int, call: Span) -> Reply:
        """A reply whose first text, or end, is there; the caller closes it."""
        reply = Reply(self._request(messages, max_output_tokens, call))
        try:
            await reply.open(self._timeouts.first_token_seconds)
        except BaseException:
            await reply.aclose()
            raise
        return reply

    async def _request(self, messages: Sequence[Message], max_output_tokens: int, call: Span) -> httpx2.Response:
        # The SDK's typed method would first copy every message field by field.
        response = await self._endpoint.client.post(
            "/chat/completions",
            cast_to=httpx2.Response,
            body={
                "model": self.model,
                "messages": messages,
                self._limit: max_output_tokens,
                "stream": True,
                "stream_options": {"include_usage": True},
            },
            # The body is read as it comes off the wire.
            options={"headers": {"accept-encoding": "identity", **call.headers()}},
            stream=True,
            stream_cls=openai.AsyncStream[object],
        )
        # With this `cast_to` the SDK hands over the response itself, unread.
        return cast("httpx2.Response", response)

    def _count(self, usage: Usage, seconds: float) -> None:
        OPERATION_SECONDS.labels(self.model, OPERATION, "").observe(seconds)
        if usage.output_tokens:
            TOKENS.labels(self.model, OPERATION, "input").observe(usage.input_tokens)
            TOKENS.labels(self.model, OPERATION, "output").observe(usage.output_tokens)
