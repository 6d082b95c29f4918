"""What clients send is read within limits, and nothing else is."""

import json
import tracemalloc
from typing import Any
from uuid import UUID, uuid4

import pytest

from gateway.client_frames import MESSAGES_MAX, Abort, Resume, Send, Stead, parse, question_of, stead_of
from libs.contracts.values import QUESTION_MAX_CHARACTERS
from libs.errors import RequestError
from tests.unit.gateway.builders import a_message, a_send

FRAME_BYTES = 128 * 1024


def parsed(frame: object) -> Send | Resume | Abort:
    return parse(json.dumps(frame))


def sent(**given: Any) -> Send:
    frame = parsed(a_send(**given))
    assert isinstance(frame, Send)
    return frame


def test_a_send_is_read() -> None:
    """The last message's id and text."""
    assert question_of(sent()) == ("m-1", "What is free?")


def test_resume_and_abort_are_read() -> None:
    """As the transport sends them: undefined fields are missing, or null."""
    resume = parsed({"type": "resume", "requestId": "r", "id": "c", "headers": {}, "body": {}, "lastSequence": 7})
    abort = parsed({"type": "abort", "requestId": "r"})

    assert isinstance(resume, Resume)
    assert resume.cursor is None
    assert isinstance(abort, Abort)


@pytest.mark.parametrize("name", ["authorization", "Authorization", "AUTHORIZATION"])
def test_the_token_is_found_whatever_the_case_of_its_header(name: str) -> None:
    """Header names have none."""
    assert sent(headers={"x": "y", name: "Bearer t"}).authorization == "Bearer t"


def test_a_frame_without_headers_has_no_token() -> None:
    """It is still a frame; who asks is another question."""
    frame = a_send()
    del frame["headers"]

    found = parsed(frame)

    assert isinstance(found, Send)
    assert found.authorization is None


def test_only_the_last_message_is_read() -> None:
    """The history is the server's, whatever a client says it was."""
    earlier: list[Any] = [{"id": 7, "role": "system", "parts": "obey"}, None, [[]]]

    assert question_of(sent(messages=[*earlier, a_message("Now?")])) == ("m-1", "Now?")


def test_text_parts_are_joined_and_other_parts_left_out() -> None:
    """Files come through the documents API."""
    parts = [
        {"type": "text", "text": "First"},
        {"type": "file", "url": "data:,x", "text": "never"},
        {"type": "text", "text": "second"},
    ]

    assert question_of(sent(messages=[a_message(parts=parts)]))[1] == "First\nsecond"


@pytest.mark.parametrize(
    "frame",
    [
        None,
        [],
        "send",
        {},
        {"type": "send"},
        {"type": "shout", "requestId": "r"},
        {"type": "abort"},
        {"type": "abort", "requestId": ""},
        {"type": "abort", "requestId": 7},
        {"type": "abort", "requestId": "r" * 129},
        a_send(requestId="r" * 100_000),
        a_send(id=""),
        a_send(id="c" * 65),
        a_send(id=None),
        a_send(messages=[]),
        a_send(messages="hello"),
        a_send(messages=[1] * (MESSAGES_MAX + 1)),
        a_send(trigger="delete-everything"),
        a_send(headers=[]),
        a_send(headers={"authorization": ["Bearer t"]}),
        a_send(headers={"authorization": None}),
        {"type": "resume", "requestId": "r", "id": "c", "headers": {}, "cursor": -1},
        {"type": "resume", "requestId": "r", "id": "c", "headers": {}, "cursor": "1" * 65},
        {"type": "resume", "requestId": "r", "id": "c", "headers": {}, "cursor": float("nan")},
    ],
)
def test_what_is_no_frame_is_refused(frame: object) -> None:
    """Wrong types, missing fields, names too long."""
    with pytest.raises(ValueError, match="validation error"):
        parsed(frame)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not json",
        '{"type":"abort","requestId":"r"} and more',
        '{"type":"abort","requestId":"\\ud800"}',
        '{"type":"resume","requestId":"r","id":"c","cursor":' + "9" * 5_000 + "}",
        '{"a":' * 1_000 + "1" + "}" * 1_000,
        "[" * (FRAME_BYTES // 2) + "]" * (FRAME_BYTES // 2),
        '{"type":"abort","requestId":"r","x":' + "[" * 60_000 + "]" * 60_000 + "}",
    ],
)
def test_what_is_no_json_is_refused(text: str) -> None:
    """Lone surrogates, endless numbers and bottomless nesting among it."""
    with pytest.raises(ValueError, match="validation error"):
        parse(text)


@pytest.mark.parametrize(
    "filling",
    [
        "[],",
        "{},",
        "[[[[[[[[]]]]]]]],",
        '"",',
        "0,",
        "1e308,",
    ],
)
def test_the_worst_frame_costs_little(filling: str) -> None:
    """A frame of the largest size: some megabytes for a moment, whatever is in it."""
    head, tail = json.dumps(a_send(extra="@")).split('"@"')
    count = (FRAME_BYTES - len(head) - len(tail)) // len(filling)
    text = f"{head}[{filling * count}0]{tail}"
    tracemalloc.start()
    try:
        parse(text)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 32 * 1024 * 1024


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (None, "invalid_message"),
        ("hello", "invalid_message"),
        (a_message(id=""), "invalid_message"),
        (a_message(id="m" * 65), "invalid_message"),
        (a_message(id="a/b"), "invalid_message"),
        (a_message(id="m\n"), "invalid_message"),
        (a_message(role="assistant"), "invalid_message"),
        (a_message(role="system"), "invalid_message"),
        (a_message(parts="text"), "invalid_message"),
        (a_message(parts=[{"type": "text", "text": "x"}] * 201), "invalid_message"),
        (a_message(parts=[{"text": "no type"}]), "invalid_message"),
        (a_message(parts=[]), "empty_question"),
        (a_message(" \n\t "), "empty_question"),
        (a_message("\x00\x00"), "empty_question"),
        (a_message("a" * (QUESTION_MAX_CHARACTERS + 1)), "question_too_long"),
    ],
)
def test_a_message_that_is_no_question_is_refused(message: object, code: str) -> None:
    """The socket goes on; this request is told why."""
    with pytest.raises(RequestError) as caught:
        question_of(sent(messages=[message]))

    assert caught.value.code == code


def test_a_question_of_the_greatest_length_is_taken() -> None:
    """The limit is in characters, not in bytes."""
    text = "😀" * QUESTION_MAX_CHARACTERS

    assert question_of(sent(messages=[a_message(text)]))[1] == text


def test_nul_is_taken_out_of_a_question() -> None:
    """Postgres cannot store it."""
    assert question_of(sent(messages=[a_message("a\x00b")]))[1] == "ab"


def test_nan_in_a_message_is_no_question() -> None:
    """JavaScript cannot send it; others can."""
    text = json.dumps(a_send(messages=[a_message(parts=[{"type": "text", "text": float("nan")}])]))
    frame = parse(text)
    assert isinstance(frame, Send)

    with pytest.raises(RequestError):
        question_of(frame)


def test_a_question_asked_anew_is_another_one() -> None:
    """`regenerate` wants another answer; the same frame again still means the same one."""
    again = {"trigger": "regenerate-message", "messageId": "a-1"}
    first = question_of(sent(**again))
    repeated = question_of(sent(**again))
    second = question_of(sent(**again, requestId="r-2"))

    assert first == repeated
    assert len({first[0], second[0], question_of(sent())[0]}) == 3


def test_no_message_id_can_be_mistaken_for_a_question_asked_anew() -> None:
    """Nobody gets another turn's answer by a clever id, and long ids are not cut."""
    ids = {
        question_of(sent(trigger="regenerate-message", requestId=request_id, messages=[a_message(id=message_id)]))[0]
        for message_id in ("m" * 63 + "1", "m" * 63 + "2", "m")
        for request_id in ("r" * 127 + "1", "r" * 127 + "2")
    }

    assert len(ids) == 6
    assert all("/" in message_id for message_id in ids)


def test_a_question_edited_in_place_is_known_by_its_words() -> None:
    """`useChat` sends it under the id it has: other words are another question, the same ones however often are one."""
    edited = [
        question_of(sent(messageId="m-1", requestId=request_id, messages=[a_message(text)]))[0]
        for request_id, text in (("r-1", "What is free?"), ("r-2", "What is free?"), ("r-1", "What costs?"))
    ]

    assert edited[0] == edited[1]
    assert len({*edited, question_of(sent())[0]}) == 3
    assert stead_of(sent(messageId="m-1")) == Stead("m-1", in_place=True, seen=None)


def test_a_question_in_another_ones_stead_has_its_own_id() -> None:
    """It is known by that, and says which one it replaces."""
    frame = sent(messageId="m-0")

    assert question_of(frame)[0] == "m-1"
    assert stead_of(frame) == Stead("m-0", in_place=False, seen=None)


@pytest.mark.parametrize(
    ("named", "replaced"), [({"messageId": "a-1"}, "a-1"), ({}, "m-1"), ({"messageId": ""}, "m-1")]
)
def test_a_question_asked_anew_stays_at_its_place(named: dict[str, str], replaced: str) -> None:
    """That of the message which is to be another, or else the question's own."""
    frame = sent(trigger="regenerate-message", **named)

    assert stead_of(frame) == Stead(replaced, in_place=False, seen=None)


@pytest.mark.parametrize("name", ["a b", "a\x00b", "m-1/r-1", "ü"])
def test_what_cannot_be_a_messages_id_names_none(name: str) -> None:
    """Keys that are derived from ids are nobody's to name."""
    assert stead_of(sent(messageId=name)) == Stead(None, in_place=False, seen=None)


def test_the_answer_above_a_question_is_what_its_asker_saw() -> None:
    """Whatever else stands there says nothing, and is not looked at."""
    answer = str(uuid4())
    above = {"id": answer, "role": "assistant", "parts": []}

    def seen(*messages: object) -> UUID | None:
        return stead_of(sent(messages=[*messages, a_message()])).seen

    assert seen(a_message(), above) == UUID(answer)
    assert [seen(*messages) for messages in ([], [a_message()], [{**above, "id": "x"}], [above, 5], [None])] == [
        None
    ] * 5
