"""What a client knows of an answer: the chunks of the AI SDK's UI message stream, added up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Chunk = Mapping[str, Any]
"""A `UIMessageChunk`: a `type`, and what belongs to it."""


@dataclass
class Transcript:
    """The answer as far as its chunks have come.

    Attributes:
        message_id: the answer's id; empty before the first chunk.
        text: of the attempt that counts; an earlier attempt's text is gone.
        citations: by their number in the text.
        sources: the passages the model was given, in order.
        finished: the answer is stored as it stands here.
    """

    message_id: str = ""
    text: str = ""
    citations: dict[int, dict[str, Any]] = field(default_factory=dict)
    sources: list[dict[str, Any]] = field(default_factory=list)
    finished: bool = False
    aborted: bool = False

    def apply(self, chunk: Chunk) -> None:
        """One chunk more; kinds that nobody here shows are left alone."""
        match chunk["type"]:
            case "start":
                # Also what a replay after a lost connection begins with: everything comes again.
                self.message_id = chunk.get("messageId", "")
                self.sources.clear()
                self._begin()
            case "start-step" | "reset-step":
                # After text it says that another worker took over: what the first one wrote is void.
                self._begin()
            case "text-delta":
                self.text += chunk["delta"]
            case "data-citation":
                self.citations[int(chunk["data"]["number"])] = dict(chunk["data"])
            case "source-document":
                self.sources.append(dict(chunk))
            case "finish":
                self.finished = True
            case "abort":
                self.aborted = True
            case _:
                pass

    def _begin(self) -> None:
        self.text = ""
        self.citations.clear()
