"""What an attempt costs: reserved before the model is asked, settled when it has stopped."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from generation_service.ports import Prices, Purse, Tokenizer
from generation_service.prompt import tokens_of
from libs.contracts.values import Usage
from libs.errors import PermanentError
from libs.llm.chat import Message
from libs.llm.chunks import Finished


class BudgetSpentError(PermanentError):
    """What is left of the key's budget does not cover the worst case."""


@dataclass(slots=True)
class Call:
    """One call to a model; `finished` is set when the model ended it."""

    finished: Finished | None = None


class Meter:
    """One attempt's; for a question without a key nothing is counted, and nothing asked of anybody.

    Args:
        purse: that pays; None: nobody does.
        prices: of models.
        tokenizer: measures what the endpoint has not.
        models: one of them will write.

    Attributes:
        cost_micro_usd: what the attempt has cost, in millionths of a US dollar.
    """

    def __init__(self, purse: Purse | None, *, prices: Prices, tokenizer: Tokenizer, models: Sequence[str]) -> None:
        self._purse = purse
        self._prices = prices
        self._tokenizer = tokenizer
        self._models = models
        self.cost_micro_usd = 0

    @asynccontextmanager
    async def call(
        self, messages: Sequence[Message], *, answer_tokens: int, said: Callable[[], str]
    ) -> AsyncIterator[Call]:
        """Inside, the model may be asked.

        Args:
            messages: the prompt.
            answer_tokens: what the model may write.
            said: the text so far.

        Raises:
            BudgetSpentError: it may not.
            TransientError: nobody can say now.
        """
        if self._purse is None:
            yield Call()
            return
        prompt = tokens_of(messages, self._tokenizer)
        worst = Usage(input_tokens=prompt, output_tokens=answer_tokens)
        if not await self._purse.reserve(self._prices.dearest_micro_usd(self._models, worst)):
            raise BudgetSpentError("the budget of the key does not cover the answer")
        call = Call()
        try:
            yield call
        except BaseException as error:
            # A prompt costs from the first text on; of a call that was broken off from here nobody says whether.
            begun = bool(said()) or isinstance(error, asyncio.CancelledError)
            await self._settle(self._purse, self._models, self._estimate(prompt, said()) if begun else Usage())
            raise
        finished = call.finished
        used = Usage() if finished is None else finished.usage
        counted = used.input_tokens or used.output_tokens
        await self._settle(self._purse, self._wrote(finished), used if counted else self._estimate(prompt, said()))

    async def _settle(self, purse: Purse, models: Sequence[str], used: Usage) -> None:
        self.cost_micro_usd = self._prices.dearest_micro_usd(models, used)
        await purse.settle(self.cost_micro_usd)

    def _estimate(self, prompt: int, text: str) -> Usage:
        return Usage(input_tokens=prompt, output_tokens=self._tokenizer.count(text) if text else 0)

    def _wrote(self, finished: Finished | None) -> Sequence[str]:
        """Which of the models it was, all of them if that cannot be told: an endpoint may name one more precisely."""
        name = "" if finished is None else finished.model
        likely = [model for model in self._models if name == model or name.startswith(f"{model}-")]
        return [max(likely, key=len)] if likely else self._models
