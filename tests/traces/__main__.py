"""`python -m tests.traces [--chats n]`: many chats through everything, some of whose processes are killed, traced."""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path
from uuid import uuid4

import httpx

from tests.abuse.apis import ROOM
from tests.e2e.model import Model, new_question
from tests.e2e.people import Person, editor_of, guest_of
from tests.e2e.stack import Stack, running_stack
from tests.polling import eventually
from tests.traces.chats import ANSWERED, OF_A_CHAT, is_whole
from tests.traces.collector import Collector, collecting

AT_ONCE = 10
CHATS_OF_A_GUEST = 5
SEEN_WORDS = 3
SETTINGS = {
    "CHAT_MODEL": "fake",
    "EMBEDDING_MODEL": "fake",
    "EMBEDDING_DIMENSIONS": "384",
    "RETRIEVAL_MIN_SCORE": "0.01",
    "BUS_CLAIM_SECONDS": "1",
}


async def traced(chats: int) -> bool:
    """Whether each chat was one whole trace; what was found is printed."""
    model = Model()
    with collecting() as collector, tempfile.TemporaryDirectory() as folder:
        document = Path(folder) / "transfers.md"
        document.write_text("# Transfers\n\nA standard transfer takes ten seconds.\n")
        async with (
            model.listening(),
            httpx.AsyncClient(trust_env=False, timeout=30.0) as http,
            running_stack(
                OPENAI_BASE_URL=model.base_url, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, **SETTINGS, **ROOM
            ) as stack,
        ):
            await (await editor_of(stack, http)).publish(document)
            guests = [await guest_of(stack, http) for _ in range(max(AT_ONCE, chats // CHATS_OF_A_GUEST))]
            answers: list[str] = []
            for start in range(0, chats - AT_ONCE, AT_ONCE):
                answers += await _asked(guests, range(start, start + AT_ONCE))
            await _whole(collector, answers)
            answers += await _interrupted(stack, guests[-AT_ONCE:], model)
            await _whole(collector, answers)
    return _reported(collector, answers)


async def _asked(guests: list[Person], numbers: range) -> list[str]:
    asking = (guests[number % len(guests)].ask(uuid4().hex, new_question()) for number in numbers)
    return [str(transcript.message_id) for transcript in await asyncio.gather(*asking)]


async def _interrupted(stack: Stack, guests: list[Person], model: Model) -> list[str]:
    """Answers whose writer is killed while they are being written."""
    questions = [new_question() for _ in guests]
    pauses = [model.pause(question, SEEN_WORDS) for question in questions]

    async def all_written() -> bool:
        return all(pause.is_reached for pause in pauses)

    async with asyncio.TaskGroup() as tasks:
        asked = [
            tasks.create_task(guest.ask(uuid4().hex, question))
            for guest, question in zip(guests, questions, strict=True)
        ]
        await eventually(all_written, within_seconds=30)
        await stack.kill_service("generation")
    return [str(task.result().message_id) for task in asked]


async def _whole(collector: Collector, answers: list[str]) -> None:
    async def all_there() -> bool:
        return all(is_whole(collector.trace_with(ANSWERED, answer)) for answer in answers)

    try:
        await eventually(all_there, within_seconds=30)
    except AssertionError:
        print("not all traces became whole")


def _reported(collector: Collector, answers: list[str]) -> bool:
    traces = [collector.trace_with(ANSWERED, answer) for answer in answers]
    found = [trace for trace in traces if trace is not None]
    whole = sum(is_whole(trace) for trace in found)
    again = sum(any(span.attributes.get("eloquent.attempt", 1) > 1 for span in trace.spans) for trace in found)
    print(f"{len(answers)} chats: {whole} whole traces ({100 * whole / len(answers):.0f} %)")
    print(f"one root: {sum(len(trace.roots) == 1 for trace in found)}")
    print(f"all of {', '.join(sorted(OF_A_CHAT))}: {sum(trace.services >= OF_A_CHAT for trace in found)}")
    print(f"spans a chat: {sum(len(trace.spans) for trace in found) / max(len(found), 1):.0f}")
    print(f"taken over: {again}")
    return whole == len(answers) == len({trace.spans[0].trace_id for trace in found}) and again == AT_ONCE


def main() -> None:
    """Exit with 1 when a chat was not one whole trace."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chats", type=int, default=200)
    sys.exit(0 if asyncio.run(traced(parser.parse_args().chats)) else 1)


if __name__ == "__main__":
    main()
