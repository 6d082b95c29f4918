"""A model's stream is read right however the network cuts it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.contracts.values import Usage
from libs.errors import PermanentError, TransientError
from libs.llm.chunks import ChunkReader, Finished
from libs.llm.sse import EVENT_MAX_BYTES, EventSplitter


def cut(stream: bytes, sizes: list[int]) -> list[bytes]:
    pieces, at, turn = [], 0, 0
    while at < len(stream):
        size = sizes[turn % len(sizes)]
        pieces.append(stream[at : at + size])
        at, turn = at + size, turn + 1
    return pieces


def chunk(**fields: Any) -> bytes:
    return b"data: " + json.dumps(fields, ensure_ascii=False).encode() + b"\n\n"


def saying(text: str, finish: str | None = None) -> bytes:
    return chunk(model="m", choices=[{"index": 0, "delta": {"content": text}, "finish_reason": finish}])


@given(
    st.lists(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"])), min_size=1),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.lists(st.integers(1, 7), min_size=1),
)
def test_events_come_out_whole(data: list[str], end: str, sizes: list[int]) -> None:
    """Line ends of any kind, comments, other fields and any cut: the data is what was sent."""
    lines = "".join(f": comment{end}event: x{end}data: {one}{end}{end}" for one in data)
    splitter = EventSplitter()

    # A CR at the very end waits for its LF.
    events = [event for piece in cut(lines.encode() + b":\n", sizes) for event in splitter.feed(piece)]

    assert events == [one.encode() for one in data]


def test_lines_of_one_event_are_joined() -> None:
    """As the specification says, with a line feed; the space after the colon may be missing."""
    assert EventSplitter().feed(b"data: a\ndata:b\n\n\n\n") == [b"a\nb"]


def test_an_endless_line_is_refused() -> None:
    """A broken endpoint does not fill our memory."""
    splitter = EventSplitter()
    splitter.feed(b"data: " + b"x" * (EVENT_MAX_BYTES - 10))

    with pytest.raises(ValueError, match="longer than"):
        splitter.feed(b"x" * 100)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1), st.lists(st.integers(1, 9), min_size=1))
def test_text_survives_any_cut(words: list[str], sizes: list[int]) -> None:
    """Also one within a character."""
    usage = chunk(choices=[], usage={"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7})
    stream = b"".join(map(saying, words)) + saying("", "stop") + usage + b"data: [DONE]\n\n"
    reader = ChunkReader()

    text = "".join(map(reader.feed, cut(stream, sizes)))

    assert text == "".join(words)
    assert reader.done
    assert reader.finished("?") == Finished("stop", "m", Usage(input_tokens=3, output_tokens=4))


@pytest.mark.parametrize(
    "event",
    [
        chunk(choices=None, usage=None),
        chunk(choices=[{"delta": None, "finish_reason": None}]),
        chunk(choices=[{"delta": {"role": "assistant", "content": None, "reasoning_content": "hm"}}]),
        chunk(object="ping"),
    ],
)
def test_events_without_text_are_no_text(event: bytes) -> None:
    """Servers leave out, or send as null, what others send."""
    reader = ChunkReader()

    assert (reader.feed(event), reader.finish_reason, reader.events) == ("", None, 1)


def test_an_endpoint_that_counts_nothing_is_taken_as_it_is() -> None:
    """No usage is zeros, no model name is the one we asked for."""
    reader = ChunkReader()
    reader.feed(chunk(choices=[{"delta": {"content": "Yes"}, "finish_reason": "stop"}]))

    assert reader.finished("asked") == Finished("stop", "asked", Usage())


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"message": "secret", "type": "server_error", "code": None}, TransientError),
        ({"message": "secret", "type": "BadRequestError", "code": 400}, PermanentError),
        ({"message": "secret", "type": "invalid_request_error", "code": None}, PermanentError),
        ({"message": "secret", "code": "429"}, TransientError),
        ("secret", TransientError),
    ],
)
def test_an_error_in_the_stream_is_an_error(error: object, kind: type[Exception]) -> None:
    """Told apart by whose fault it is; the vendor's words, which may quote a prompt, are not passed on."""
    with pytest.raises(kind) as raised:
        ChunkReader().feed(chunk(error=error))
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("event", [b"data: {]\n\n", b'data: {"model": "\xc3"}\n\n', b"data: 7\n\n"])
def test_what_is_no_chunk_is_trouble(event: bytes) -> None:
    """Bytes that cannot be read end the attempt, not the process."""
    with pytest.raises(TransientError):
        ChunkReader().feed(event)
