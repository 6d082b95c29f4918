"""A model and a tokenizer that do what a test says."""

from collections.abc import AsyncGenerator, Sequence

from generation_service.ports import Purse
from generation_service.spending import Meter
from libs.contracts.values import Usage
from libs.llm.chat import Message
from libs.llm.chunks import Finished
from libs.llm.prices import Price, PriceSettings

STOP = Finished("stop", "twin-2026", Usage(input_tokens=10, output_tokens=3))


class ScriptedModel:
    """Plays a list: text is streamed, an error raised."""

    model = "twin"

    def __init__(self, *script: str | Finished | Exception) -> None:
        self.script = script
        self.asked: list[Sequence[Message]] = []
        self.closed = 0

    async def stream(
        self, messages: Sequence[Message], *, max_output_tokens: int
    ) -> AsyncGenerator[str | Finished, None]:
        self.asked.append(messages)
        try:
            for step in self.script:
                if isinstance(step, Exception):
                    raise step
                yield step
        finally:
            self.closed += 1


PRICES = PriceSettings(
    model_prices={
        "twin": Price(input=1, output=10),
        "dear-twin": Price(input=2, output=20),
        "*": Price(input=9, output=9),
    }
)


def a_meter(purse: Purse | None = None, *models: str) -> Meter:
    """Of a question without a key, unless there is a purse."""
    return Meter(purse, prices=PRICES, tokenizer=WordTokenizer(), models=models or ("twin",))


class WordTokenizer:
    """A token is what stands between two spaces."""

    def count(self, text: str) -> int:
        return len(text.split(" "))

    def truncate(self, text: str, max_tokens: int) -> str:
        return " ".join(text.split(" ")[:max_tokens])
