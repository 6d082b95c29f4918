"""What a fake model does: how fast, how much, and which trouble it makes.

A script is the server's own (its command line, `POST /control`), changed by what stands after a `?` in the model's
name: `fake?tokens=5&status=503&times=2` refuses twice and then answers with five tokens.
"""

import re
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

import msgspec

STALL = b"stall"
CUT = b"cut"
"""Pieces that are not written: from here on nothing comes; the connection is closed."""


@dataclass(frozen=True)
class Script:
    """One model's behaviour; counts are in tokens from 0, -1 means never.

    Attributes:
        text: what it says, a word a token; else `tokens` made-up words.
        status: refuses with this HTTP status.
        times: how many requests (per model name) the trouble hits; 0 means every one.
        half: cuts every write within a UTF-8 character where there is one.
        invalid_at: this token ends within a UTF-8 character, and its line does too.
        finish: the finish reason; empty for none.
        hang: never ends the body.
        embed_seconds: before a request to embed is answered, a quarter more or less.
        tokens_per_second: of texts to embed, a second's worth at once; more is refused with the time to wait. 0: any.
        tokens_at_once: instead of a second's worth; then answers say in their headers what is allowed, as OpenAI's do.
    """

    first_token: float = 0.0
    between: float = 0.0
    tokens: int = 20
    text: str = ""
    status: int = 0
    times: int = 0
    retry_after: float = -1.0
    stall_at: int = -1
    cut_at: int = -1
    error_at: int = -1
    invalid_at: int = -1
    half: bool = False
    empty: bool = False
    usage: bool = True
    done: bool = True
    finish: str = "stop"
    hang: bool = False
    embed_seconds: float = 0.0
    tokens_per_second: float = 0.0
    tokens_at_once: float = 0.0

    def for_model(self, name: str) -> "Script":
        """This script with the changes that the model's name asks for."""
        _, _, query = name.partition("?")
        return self.changed(dict(parse_qsl(query, keep_blank_values=True))) if query else self

    def changed(self, values: dict[str, Any]) -> "Script":
        """This script with some values replaced; text becomes the field's own type."""
        kinds = {field.name: type(getattr(self, field.name)) for field in fields(self)}
        changes: dict[str, Any] = {}
        for name, value in values.items():
            kind = kinds[name]
            changes[name] = value not in {"0", "false", False, ""} if kind is bool else kind(value)
        return replace(self, **changes)

    def healed(self) -> "Script":
        """The same model without its trouble."""
        return replace(
            self,
            status=0,
            stall_at=-1,
            cut_at=-1,
            error_at=-1,
            invalid_at=-1,
            half=False,
            empty=False,
            finish="stop",
            hang=False,
        )

    def words(self) -> list[str]:
        """The tokens it says."""
        if self.empty:
            return []
        if self.text:
            return re.findall(r"\s*\S+|\s+$", self.text)
        return [("" if n == 0 else " ") + f"token{n}" for n in range(self.tokens)]


@lru_cache(maxsize=256)
def pieces(script: Script, model: str) -> tuple[bytes, ...]:
    """The chunked HTTP body, one piece a step: role and first token first, the end together with the last token."""
    words = script.words()
    steps: list[bytes] = []
    for n, word in enumerate(words):
        if n in {script.stall_at, script.cut_at, script.error_at}:
            error = [_line({"error": {"message": "boom", "type": "server_error", "code": 500}})]
            written = map(_framed, steps + error * (n == script.error_at))
            return (*written, STALL if n == script.stall_at else CUT)
        line = _line(_chunk(model, {"content": word}))
        if n == script.invalid_at:
            line = _line(_chunk(model, {"content": word + "@"})).replace(b"@", "é".encode()[:1])
        if n == 0:
            line = _line(_chunk(model, {"role": "assistant", "content": ""})) + line
        steps.append(line)
    end = _end(script, model, len(words))
    body = [*steps[:-1], steps[-1] + end] if steps else [end]
    framed = [_framed(step) for step in body]
    if script.hang:
        return (*framed, STALL)
    framed[-1] += b"0\r\n\r\n"
    return tuple(framed)


def completion(script: Script, model: str) -> dict[str, Any]:
    """The answer as one object, for requests that do not stream."""
    words = script.words()
    message = {"role": "assistant", "content": "".join(words)}
    choice = {"index": 0, "message": message, "finish_reason": script.finish or None, "logprobs": None}
    body = _envelope(model, "chat.completion") | {"choices": [choice]}
    return body | ({"usage": _usage(len(words))} if script.usage else {})


def _end(script: Script, model: str, tokens: int) -> bytes:
    end = _line(_chunk(model, {}, finish=script.finish)) if script.finish else b""
    if script.usage:
        end += _line(_envelope(model, "chat.completion.chunk") | {"choices": [], "usage": _usage(tokens)})
    return end + (b"data: [DONE]\n\n" if script.done else b"")


def _usage(tokens: int) -> dict[str, int]:
    return {"prompt_tokens": 7, "completion_tokens": tokens, "total_tokens": 7 + tokens}


def _chunk(model: str, delta: dict[str, str], finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return _envelope(model, "chat.completion.chunk") | {"choices": [choice], "usage": None}


def _envelope(model: str, kind: str) -> dict[str, Any]:
    return {
        "id": "chatcmpl-fake00000000000000000000000",
        "object": kind,
        "created": 1790000000,
        "model": model.partition("?")[0],
        "service_tier": "default",
        "system_fingerprint": "fp_fake",
    }


def _line(chunk: dict[str, Any]) -> bytes:
    return b"data: " + msgspec.json.encode(chunk) + b"\n\n"


def _framed(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data) if data else b""
