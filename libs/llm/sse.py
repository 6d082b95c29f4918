"""Server-sent events, cut by hand from raw bytes.

https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation, as far as a model's stream
uses it: only `data` fields matter, an event ends at an empty line, what follows the last empty line is no event.
"""

EVENT_MAX_BYTES = 1024 * 1024
"""No model sends a line this long; without a bound a broken endpoint would fill our memory."""


class EventSplitter:
    """Bytes in, as the network cuts them; the data of whole events out."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []

    def feed(self, piece: bytes) -> list[bytes]:
        """The data of the events that `piece` completes.

        Raises:
            ValueError: an event is longer than `EVENT_MAX_BYTES`.
        """
        text = self._rest + piece if self._rest else piece
        if b"\r" in text:
            text, held = (text[:-1], b"\r") if text.endswith(b"\r") else (text, b"")
            text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            # A CR at the very end may be half of a CRLF.
            lines = text.split(b"\n")
            lines[-1] += held
        else:
            lines = text.split(b"\n")
        self._rest = lines.pop()
        events: list[bytes] = []
        for line in lines:
            if not line:
                if self._data:
                    events.append(self._data[0] if len(self._data) == 1 else b"\n".join(self._data))
                    self._data.clear()
            elif line.startswith(b"data:"):
                self._data.append(line[6:] if line[5:6] == b" " else line[5:])
        if len(self._rest) + sum(map(len, self._data)) > EVENT_MAX_BYTES:
            raise ValueError(f"an event is longer than {EVENT_MAX_BYTES} bytes")
        return events
