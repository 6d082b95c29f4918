"""Chat completions as OpenAI writes them: whole, in chunks, and as server-sent events."""

import secrets
import time
from collections.abc import AsyncGenerator
from typing import Any, Literal

import msgspec
import structlog

from deploy.local.models.ports import Json
from deploy.local.models.refusals import error_body

log = structlog.get_logger()

FinishReason = Literal["stop", "length"]

DONE = b"data: [DONE]\n\n"


class Completion:
    """Makes the objects of one answer; they share its id and time.

    Args:
        model: the model's name.
        prompt_tokens: tokens of all messages.
        completion_tokens: tokens of the answer.
        include_usage: whether a stream ends with the usage.
    """

    def __init__(self, model: str, prompt_tokens: int, completion_tokens: int, *, include_usage: bool) -> None:
        self._shared = {"id": f"chatcmpl-{secrets.token_hex(12)}", "created": int(time.time()), "model": model}
        self._usage = {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
        }
        self.include_usage = include_usage

    def whole(self, text: str, reason: FinishReason) -> Json:
        """The `chat.completion`."""
        message = {"role": "assistant", "content": text, "refusal": None}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reason}
        return {**self._shared, "object": "chat.completion", "choices": [choice], "usage": self._usage}

    def opening(self) -> Json:
        """The first chunk: who speaks."""
        return self._chunk({"role": "assistant", "content": "", "refusal": None}, None)

    def delta(self, text: str) -> Json:
        """A chunk with a piece of the text."""
        return self._chunk({"content": text}, None)

    def closing(self, reason: FinishReason) -> Json:
        """The chunk that says why the text ends."""
        return self._chunk({}, reason)

    def usage_chunk(self) -> Json:
        """The last chunk, for those who asked for it: no choice, only the usage."""
        return {**self._shared, "object": "chat.completion.chunk", "choices": [], "usage": self._usage}

    def _chunk(self, delta: dict[str, Any], reason: FinishReason | None) -> Json:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        usage = {"usage": None} if self.include_usage else {}
        return {**self._shared, "object": "chat.completion.chunk", "choices": [choice], **usage}


async def server_sent_events(first: Json, rest: AsyncGenerator[Json]) -> AsyncGenerator[bytes]:
    """The chunks as events, ended by `[DONE]`; a failure on the way is an event too, which the SDK raises as an error.

    Args:
        first: the chunk that was awaited before the response began, so that a bad request still gets its status.
        rest: the chunks after it; closed when the reader goes away.
    """
    try:
        yield _event(first)
        async for chunk in rest:
            yield _event(chunk)
        yield DONE
    except Exception:
        log.exception("answer broke off")
        yield _event(error_body("The model broke off; the log says why.", status=500, code=None))
    finally:
        await rest.aclose()


def _event(value: Json) -> bytes:
    return b"data: " + msgspec.json.encode(value) + b"\n\n"
