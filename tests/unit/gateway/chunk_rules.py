"""The AI SDK's rules for chunks and what its client makes of them, for the chunks we send.

Source: npm `ai` 7, `src/ui-message-stream/ui-message-chunks.ts` and `src/ui/process-ui-message-stream.ts`.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

FINISH_REASONS = {"stop", "length", "content-filter", "tool-calls", "error", "interrupted", "other"}
FRAME_MAX_BYTES = 32 * 1024
LONGEST_REQUEST_ID = "\x01" * 128


class Rule(NamedTuple):
    """Fields by name; an optional one may be missing, but is never null."""

    required: Mapping[str, type]
    optional: Mapping[str, type] = {}


_RULES = {
    "start": Rule({}, {"messageId": str, "messageMetadata": object}),
    "start-step": Rule({}),
    "reset-step": Rule({}),
    "text-start": Rule({"id": str}),
    "text-delta": Rule({"id": str, "delta": str}),
    "text-end": Rule({"id": str}),
    "source-document": Rule(
        {"sourceId": str, "mediaType": str, "title": str}, {"filename": str, "providerMetadata": dict}
    ),
    "finish": Rule({}, {"finishReason": str, "messageMetadata": object}),
    "abort": Rule({}, {"reason": str}),
    "error": Rule({"errorText": str}),
}
_DATA = Rule({"data": object}, {"id": str, "transient": bool})


def assert_valid(chunk: Mapping[str, Any]) -> None:
    """The client would not close the connection over this chunk, and no gateway on the way would cut it."""
    kind = chunk["type"]
    rule = _DATA if kind.startswith("data-") else _RULES[kind]
    fields = {name: value for name, value in chunk.items() if name != "type"}
    assert rule.required.keys() <= fields.keys() <= {**rule.required, **rule.optional}.keys(), chunk
    for name, value in fields.items():
        assert value is not None, chunk
        assert isinstance(value, {**rule.required, **rule.optional}[name]), chunk
    assert all(isinstance(details, dict) for details in chunk.get("providerMetadata", {}).values())
    assert chunk.get("finishReason", "stop") in FINISH_REASONS
    frame = {"type": "chunk", "requestId": LONGEST_REQUEST_ID, "sequence": 10**6, "chunk": chunk}
    assert len(msgspec.json.encode(frame)) <= FRAME_MAX_BYTES


def parts_of(chunks: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The parts that `useChat` shows after these chunks."""
    parts: list[dict[str, Any]] = []
    for chunk in chunks:
        match chunk["type"]:
            case "start-step":
                parts.append({"type": "step-start"})
            case "reset-step":
                while parts and parts[-1]["type"] != "step-start":
                    parts.pop()
            case "text-start":
                parts.append({"type": "text", "id": chunk["id"], "text": "", "open": True})
            case "text-delta":
                _open_text(parts, chunk["id"])["text"] += chunk["delta"]
            case "text-end":
                _open_text(parts, chunk["id"])["open"] = False
            case "source-document":
                parts.append({"type": "source-document", "title": chunk["title"]})
            case kind if kind.startswith("data-") and not chunk.get("transient"):
                _put_data(parts, chunk)
            case _:
                pass
    return parts


def _open_text(parts: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """The client throws over a delta or an end without a start."""
    [part] = [part for part in parts if part["type"] == "text" and part["id"] == name and part["open"]]
    return part


def _put_data(parts: list[dict[str, Any]], chunk: Mapping[str, Any]) -> None:
    new = {"type": chunk["type"], "id": chunk["id"], "data": chunk["data"]}
    for at, part in enumerate(parts):
        if (part["type"], part.get("id")) == (new["type"], new["id"]):
            parts[at] = new
            return
    parts.append(new)


def text_of(chunks: Iterable[Mapping[str, Any]]) -> str:
    """The text that `useChat` shows after these chunks."""
    return "".join(part["text"] for part in parts_of(chunks) if part["type"] == "text")
