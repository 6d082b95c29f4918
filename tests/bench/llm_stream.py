"""What one streamed token costs us: `python -m tests.bench.llm_stream`.

Reads the same streams from a fake endpoint in another process, in turn through the SDK's own stream (over its default
client and over aiohttp), through `libs.llm`, and by hand; prints CPU time of this process per token and the ratios.
Tokens come one by one, so that each costs a wake-up, as from a real model.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from statistics import median

import aiohttp
import msgspec
import openai
import uvloop

from libs.llm.chat import Message, OpenAIChat
from libs.llm.endpoint import Endpoint

QUESTION = "Say something."
BETWEEN_SECONDS = 0.02
Run = Callable[[], Awaitable[int]]


@asynccontextmanager
async def fake(tokens: int) -> AsyncIterator[str]:
    """The base URL of a fake endpoint in a process of its own."""
    arguments = ("-m", "tests.fakes.openai_server", "--first-token", "0.05", "--between", str(BETWEEN_SECONDS))
    server = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, "--tokens", str(tokens), stdout=asyncio.subprocess.PIPE
    )
    if server.stdout is None:
        raise RuntimeError("the fake has no output")
    try:
        yield (await server.stdout.readline()).decode().strip()
    finally:
        server.terminate()
        await server.wait()


def through_sdk(client: openai.AsyncOpenAI) -> Run:
    """One answer through the SDK's own stream; returns its tokens."""

    async def run() -> int:
        stream = await client.chat.completions.create(
            model="fake",
            messages=[{"role": "user", "content": QUESTION}],
            max_tokens=1000,
            stream=True,
            stream_options={"include_usage": True},
        )
        return len([1 async for chunk in stream if chunk.choices and chunk.choices[0].delta.content])

    return run


def by_hand(session: aiohttp.ClientSession, base_url: str) -> Run:
    """One answer with nothing around the lines: the floor; returns its tokens."""
    body = {"model": "fake", "messages": [{"role": "user", "content": QUESTION}], "stream": True}

    async def run() -> int:
        tokens = 0
        async with session.post(f"{base_url}/chat/completions", json=body) as response:
            async for line in response.content:
                if line.startswith(b"data: {"):
                    choices = msgspec.json.decode(line[6:])["choices"]
                    tokens += bool(choices and choices[0]["delta"].get("content"))
        return tokens

    return run


def through_ours(endpoint: Endpoint) -> Run:
    """One answer through `libs.llm`; returns its pieces."""
    chat = OpenAIChat(endpoint, model="fake")
    messages: list[Message] = [{"role": "user", "content": QUESTION}]

    async def run() -> int:
        return len([1 async for piece in chat.stream(messages, max_output_tokens=1000) if isinstance(piece, str)])

    return run


async def microseconds(run: Run, streams: int) -> float:
    """CPU of this process per token, over so many streams at once."""

    async def one(number: int) -> int:
        # Streams that keep step share their wake-ups, which flatters everybody.
        await asyncio.sleep(BETWEEN_SECONDS * number / streams)
        return await run()

    begun = time.process_time()
    pieces = sum(await asyncio.gather(*map(one, range(streams))))
    return (time.process_time() - begun) / pieces * 1e6


async def measure(streams: int, tokens: int, rounds: int) -> None:
    """Interleave the ways, print the median of each."""
    async with fake(tokens) as base_url, Endpoint(api_key="none", base_url=base_url) as endpoint:
        plain = openai.AsyncOpenAI(api_key="none", base_url=base_url)
        over_aiohttp = openai.AsyncOpenAI(api_key="none", base_url=base_url, http_client=openai.DefaultAioHttpClient())
        async with plain, over_aiohttp, aiohttp.ClientSession() as session:
            ways = {
                "openai SDK": through_sdk(plain),
                "openai SDK over aiohttp": through_sdk(over_aiohttp),
                "libs.llm": through_ours(endpoint),
                "aiohttp by hand": by_hand(session, base_url),
            }
            costs: dict[str, list[float]] = {name: [] for name in ways}
            for round_number in range(rounds + 1):
                for name, run in ways.items():
                    cost = await microseconds(run, streams)
                    if round_number:
                        costs[name].append(cost)
    ours = median(costs["libs.llm"])
    for name, values in costs.items():
        line = f"{name:26} {median(values):7.1f} µs of CPU a token   {median(values) / ours:5.2f} x ours\n"
        sys.stdout.write(line)


def main() -> None:
    """Parse the command line and measure."""
    parser = argparse.ArgumentParser(description="CPU per streamed token")
    parser.add_argument("--streams", type=int, default=50)
    parser.add_argument("--tokens", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    uvloop.run(measure(options.streams, options.tokens, options.rounds))


if __name__ == "__main__":
    main()
