"""Calls to models as spans, in the words of OpenTelemetry's GenAI conventions; without what was asked and answered."""

from urllib.parse import urlsplit

from libs.llm.chunks import Finished
from libs.telemetry.spans import Span, span

PROVIDER = "openai"
"""Whoever it really is speaks OpenAI's protocol; `server.address` says where."""
_PORTS = {"http": 80, "https": 443}


def model_call(operation: str, model: str, base_url: str) -> Span:
    """A call, to be used in `with` or to be ended."""
    call = span(f"{operation} {model}", "client")
    if call.is_recorded:
        address = urlsplit(base_url)
        call.say("gen_ai.operation.name", operation)
        call.say("gen_ai.provider.name", PROVIDER)
        call.say("gen_ai.request.model", model)
        call.say("server.address", address.hostname or "")
        call.say("server.port", address.port or _PORTS.get(address.scheme, 0))
    return call


def answered(call: Span, finished: Finished) -> None:
    """The model has said how it ended."""
    if call.is_recorded:
        call.say("gen_ai.response.model", finished.model)
        call.say("gen_ai.response.finish_reasons", (finished.reason,))
        call.say("gen_ai.usage.input_tokens", finished.usage.input_tokens)
        call.say("gen_ai.usage.output_tokens", finished.usage.output_tokens)
