"""How much of a rate limit embedding uses: `python -m tests.bench.rate_limit [--tokens-per-second 20000]`."""

import argparse
import asyncio
import time

from libs.llm.embeddings import OpenAIEmbedder
from libs.llm.endpoint import Endpoint
from libs.llm.pacing import Pacer
from tests.fakes.openai_server import running
from tests.fakes.script import Script

WORDS, TEXTS = 150, 64
AT_ONCE = 16


async def measure(tokens_per_second: float, seconds: float) -> None:
    """Embed for so long and print what was used of what was allowed."""
    texts = [" ".join(["word"] * WORDS)] * TEXTS
    failed = 0
    async with (
        running(Script(tokens_per_second=tokens_per_second), dimensions=8) as fake,
        Endpoint(api_key="none", base_url=fake.base_url) as endpoint,
    ):
        embedder = OpenAIEmbedder(
            endpoint, model="fake", dimensions=8, batch_texts=TEXTS, pacer=Pacer(most_at_once=AT_ONCE)
        )
        begun = time.monotonic()

        async def hand() -> None:
            nonlocal failed
            while time.monotonic() < begun + seconds:
                try:
                    await embedder.embed(texts)
                except Exception:  # noqa: BLE001 - counted
                    failed += 1

        await asyncio.gather(*(hand() for _ in range(AT_ONCE)))
        took = time.monotonic() - begun
        # The bucket was full at the beginning: a second's worth beside what flowed in.
        allowed = tokens_per_second * (took + 1)
        used = fake.counts["embedded_tokens"]
        print(f"{used} tokens of {allowed:.0f} allowed in {took:.1f} s: {used / allowed:.1%}")
        print(f"{failed} failed, {fake.counts['refused']} of {fake.counts['requests']} requests were put off")


def main() -> None:
    """Measure, as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--tokens-per-second", type=float, default=20_000)
    parser.add_argument("--seconds", type=float, default=20)
    options = parser.parse_args()
    asyncio.run(measure(options.tokens_per_second, options.seconds))


if __name__ == "__main__":
    main()
