"""What must hold over a whole history, whatever was done to the processes meanwhile."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, permutations
from typing import Any

import asyncpg
from redis.asyncio import Redis

from tests.fault.clients import Message, View
from tests.fault.cluster import STREAMS
from tests.fault.model import Model, name_of

_ROWS = """
    SELECT message_id, session_id, position, after, role, content, status, opened_at, completed_at, digest
    FROM chat_messages ORDER BY session_id, position
"""

Row = asyncpg.Record


@dataclass(frozen=True)
class Expected:
    """What a run may do that others may not.

    Attributes:
        errors: clients may be told to try again.
        failures: answers may end as failed.
        dead_letters: how many entries are given up.
    """

    errors: bool = False
    failures: bool = False
    dead_letters: int = 0


async def check(
    messages: Sequence[Message], model: Model, connection: asyncpg.Connection, redis: Redis, expected: Expected
) -> list[str]:
    """The violations; none is what we promise."""
    rows = await connection.fetch(_ROWS)
    return [
        *_check_messages(messages, rows, model, expected),
        *_check_views(messages, rows, model, expected),
        *_check_sessions(messages, rows),
        *_check_branches(messages, rows, model),
        *await _check_streams(redis, expected),
    ]


def _check_messages(
    messages: Sequence[Message], rows: Iterable[Row], model: Model, expected: Expected
) -> Iterable[str]:
    """Every accepted message has exactly one stored answer, and it is a whole one."""
    answers = {str(row["message_id"]): row for row in rows if row["role"] == "assistant"}
    questions = Counter(row["content"] for row in rows if row["role"] == "user")
    asked = Counter(message.question for message in messages)
    for message in messages:
        name = f"{message.session}/{message.message_id}"
        stored = answers.get(message.answer_id)
        if questions[message.question] > asked[message.question]:
            yield f"{name}: its question is stored {questions[message.question]} times"
        if stored is None:
            if message.accepted_at is not None or not message.wanted_cancel:
                yield f"{name}: no answer is stored (accepted: {message.accepted_at is not None})"
            continue
        yield from (f"{name}: {problem}" for problem in _check_answer(message, stored, model, expected))


def _check_answer(message: Message, stored: Row, model: Model, expected: Expected) -> Iterable[str]:
    text, status = stored["content"], stored["status"]
    attempts = model.texts(message.question)
    if status == "completed" and text not in attempts:
        yield f"stored as completed, but no attempt said {text!r}"
    elif status == "cancelled" and not message.wanted_cancel:
        yield "cancelled by nobody"
    elif status == "failed" and message.outcome != "failed" and not expected.failures:
        yield "failed"
    elif status in {"queued", "opened"}:
        yield f"still {status}"
    if message.outcome and status != message.outcome:
        yield f"ended as {status}, not {message.outcome}"
    if text and not any(attempt.startswith(text) for attempt in attempts):
        yield f"stored is {text!r}, which no attempt said"


def _check_views(messages: Sequence[Message], rows: Iterable[Row], model: Model, expected: Expected) -> Iterable[str]:
    """What each client assembled is what is stored, and at no moment did it show what nobody wrote."""
    answers = {str(row["message_id"]): row for row in rows if row["role"] == "assistant"}
    owners = {message.answer_id: message for message in messages}
    for message in messages:
        name = f"{message.session}/{message.message_id}"
        if not any(view.ending == "end" and view.answer_id in {"", message.answer_id} for view in message.views):
            yield f"{name}: its client has waited in vain"
        for n, view in enumerate(message.views):
            where = f"{name} view {n} ({view.how} to {view.gateway})"
            if view.error and not expected.errors:
                yield f"{where}: was told {view.error!r}"
            if [sequence for sequence, _ in view.chunks] != list(range(len(view.chunks))):
                yield f"{where}: its chunks have a gap: {[sequence for sequence, _ in view.chunks]}"
            if not view.chunks:
                continue
            owner = owners.get(view.answer_id)
            if owner is None or owner.session != message.session:
                yield f"{where}: got an answer that is not its session's: {view.answer_id}"
                continue
            yield from (f"{where}: {problem}" for problem in _check_view(view, owner, answers, model))


def _check_view(view: View, owner: Message, answers: dict[str, Row], model: Model) -> Iterable[str]:
    attempts = model.texts(owner.question)
    for text in view.texts():
        if text and not any(attempt.startswith(text) for attempt in attempts):
            yield f"showed what no attempt said: {text!r}"
    if view.ending != "end":
        return
    kinds = Counter(chunk["type"] for _, chunk in view.chunks)
    endings = {kind: kinds[kind] for kind in ("finish", "abort", "error") if kinds[kind]}
    stored = answers.get(view.answer_id)
    if stored is None:
        yield "ended, but nothing is stored"
        return
    told = {"completed": {"finish": 1}, "cancelled": {"abort": 1}, "failed": {"error": 1}}.get(stored["status"])
    if endings != told:
        yield f"was told {endings}, stored is {stored['status']}"
    transcript = view.transcript()
    if transcript.text != stored["content"]:
        yield f"shows {transcript.text!r}, stored is {stored['content']!r}"


def _check_sessions(messages: Iterable[Message], rows: Iterable[Row]) -> Iterable[str]:
    """A session's turns are answered one at a time, in the order in which they were accepted."""
    answers = [row for row in rows if row["role"] == "assistant"]
    for before, after in pairwise(answers):
        is_next = before["session_id"] == after["session_id"] and before["completed_at"] and after["opened_at"]
        if is_next and after["opened_at"] < before["completed_at"]:
            yield f"session {after['session_id']}: a turn was opened before the one ahead had ended"
    places = {str(row["message_id"]): row["position"] for row in answers}
    stored = [message for message in messages if message.answer_id in places]
    for first, second in permutations(stored, 2):
        if first.session != second.session or first.accepted_at is None or second.sent_at < first.accepted_at:
            continue
        if places[first.answer_id] > places[second.answer_id]:
            yield f"{first.session}: {second.message_id} went ahead of {first.message_id}"


def _check_branches(messages: Sequence[Message], rows: Sequence[Row], model: Model) -> Iterable[str]:
    """Another answer to a question stands beside the first one, and knew nothing of it."""
    answers = {str(row["message_id"]): row for row in rows if row["role"] == "assistant"}
    questions = {(row["session_id"], row["position"] + 1): row for row in rows if row["role"] == "user"}

    def place(message: Message) -> int | None:
        answer = answers.get(message.answer_id)
        if answer is None:
            return None
        question = questions[answer["session_id"], answer["position"]]
        return int(question["position"] - 1 if question["after"] is None else question["after"])

    for message in messages:
        if not message.again:
            continue
        first = place(replace(message, again=""))
        if first is not None and place(message) not in {None, first}:
            yield f"{message.session}/{message.message_id}: its other answer follows {place(message)}, not {first}"
        name = name_of(message.question)
        if name in model.before.get(name, ()):
            yield f"{message.session}/{message.message_id}: its other answer was told of the first one"


async def _check_streams(redis: Redis, expected: Expected) -> list[str]:
    found = [f"{key}: {left}" for key, left in (await left_over(redis)).items() if left]
    buried = sum([await redis.xlen(key) for key in await keys_of(redis, "dead")])
    if buried != expected.dead_letters:
        found.append(f"{buried} dead letters, {expected.dead_letters} expected")
    return found


async def left_over(redis: Redis) -> dict[str, str]:
    """What is on each stream, pending entries included; empty text where nothing is."""
    left = {}
    for key in await keys_of(redis, *STREAMS):
        length = await redis.xlen(key)
        groups: Any = await redis.xinfo_groups(key)
        pending = sum(group["pending"] for group in groups)
        left[key] = f"{length} entries, {pending} pending" if length or pending else ""
    return left


async def keys_of(redis: Redis, *names: str) -> list[str]:
    """The keys of these streams in all partitions, however many there are."""
    return sorted([key.decode() for name in names async for key in redis.scan_iter(f"{name}:{{p*}}", count=1000)])
