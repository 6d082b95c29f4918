"""What the events of a Chat Completions stream say; only the fields we need are decoded."""

from dataclasses import dataclass
from typing import Any

import msgspec

from libs.contracts.values import Usage
from libs.errors import EloquentError, PermanentError, TransientError
from libs.llm.endpoint import safe_code
from libs.llm.sse import EventSplitter

_DONE = b"[DONE]"
_REFUSALS = {"invalid_request_error", "BadRequestError", "authentication_error", "permission_error", "not_found_error"}
_REFUSAL_CODES = range(400, 500)
_TRY_AGAIN_CODES = {408, 409, 425, 429}


class InterruptedAnswerError(TransientError):
    """The answer broke off after text had begun: only a new answer, from its beginning, can follow."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The model ended its answer by itself.

    Attributes:
        reason: `stop` when it was done; `length` at the limit of tokens; `content_filter`; or the endpoint's own word.
        model: as the endpoint names it.
        usage: zeros when the endpoint counts nothing.
    """

    reason: str
    model: str
    usage: Usage


class _Delta(msgspec.Struct, gc=False):
    content: str | None = None


class _Choice(msgspec.Struct, gc=False):
    delta: _Delta | None = None
    finish_reason: str | None = None


class _Usage(msgspec.Struct, gc=False):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Chunk(msgspec.Struct, gc=False):
    choices: list[_Choice] | None = None
    model: str | None = None
    usage: _Usage | None = None
    error: Any = None


_decode = msgspec.json.Decoder(_Chunk).decode


class ChunkReader:
    """Bytes of a stream in, text out; remembers how the stream ended.

    Attributes:
        events: how many events were seen.
        done: the stream said that it is over.
        finish_reason: why the model stopped; None while it has not.
    """

    def __init__(self) -> None:
        self.events = 0
        self.done = False
        self.finish_reason: str | None = None
        self._model: str | None = None
        self._usage: _Usage | None = None
        self._splitter = EventSplitter()

    def feed(self, piece: bytes) -> str:
        """The text in these bytes; empty when there is none.

        Raises:
            TransientError: an error event that may pass, or bytes that are no such stream.
            PermanentError: an error event that says that the request is at fault.
        """
        text = ""
        try:
            for event in self._splitter.feed(piece):
                self.events += 1
                if event == _DONE:
                    self.done = True
                    return text
                chunk = _decode(event)
                if chunk.error is not None:
                    raise _error(chunk.error)
                if chunk.choices:
                    choice = chunk.choices[0]
                    if choice.delta is not None and choice.delta.content:
                        text += choice.delta.content
                    self.finish_reason = choice.finish_reason or self.finish_reason
                self._model = chunk.model or self._model
                self._usage = chunk.usage or self._usage
        except (msgspec.DecodeError, ValueError) as error:
            raise TransientError("the model endpoint sent what is no chunk of an answer") from error
        return text

    def finished(self, model: str) -> Finished:
        """How the answer ended; `model` stands in when the endpoint did not name itself."""
        usage = self._usage or _Usage()
        return Finished(
            self.finish_reason or "",
            self._model or model,
            Usage(input_tokens=usage.prompt_tokens, output_tokens=usage.completion_tokens),
        )


def _error(body: object) -> EloquentError:
    fields = body if isinstance(body, dict) else {}
    code, kind = fields.get("code"), fields.get("type")
    name = safe_code(str(code)) or safe_code(kind)
    what = f"the model endpoint reported an error{f' ({name})' if name and code is not None else ''}"
    number = int(code) if isinstance(code, int) or (isinstance(code, str) and code.isdecimal()) else None
    refused = kind in _REFUSALS if number is None else number in _REFUSAL_CODES and number not in _TRY_AGAIN_CODES
    return PermanentError(what) if refused else TransientError(what)
