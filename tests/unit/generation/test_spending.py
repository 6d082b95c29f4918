"""A model is asked only when its worst case is paid for, and what it cost is known however the answer ended."""

import asyncio
from contextlib import suppress

import pytest

from generation_service.spending import Meter
from libs.contracts.events import AnswerWritten
from libs.contracts.values import Usage
from libs.errors import PermanentError, TransientError
from libs.llm.chunks import Finished, InterruptedAnswerError
from tests.builders import a_context, a_passage
from tests.unit.generation.test_answer import ANSWER_TOKENS, Log, answered
from tests.unit.generation.twins import PRICES, STOP, ScriptedModel, a_meter


class MemoryPurse:
    """A budget of one attempt."""

    def __init__(self, micro_usd: int = 1_000_000) -> None:
        self.left = micro_usd
        self.reserved: list[int] = []
        self.settled: list[int] = []

    async def reserve(self, micro_usd: int) -> bool:
        if micro_usd > self.left:
            return False
        self.reserved.append(micro_usd)
        return True

    async def settle(self, micro_usd: int) -> None:
        self.settled.append(micro_usd)


async def outcome(
    model: ScriptedModel, purse: MemoryPurse, *models: str, last_try: bool = True
) -> tuple[AnswerWritten, Meter]:
    meter = a_meter(purse, *models)
    return await answered(model, Log(), meter=meter, last_try=last_try), meter


async def test_the_worst_case_is_reserved_and_what_was_used_is_charged() -> None:
    """At the price of the model that wrote; the worst case is the dearer one, with all it may write."""
    purse = MemoryPurse()
    finished = Finished("stop", "twin-2026-04-14", Usage(input_tokens=100, output_tokens=7))

    _, meter = await outcome(ScriptedModel("Ten.", finished), purse, "twin", "dear-twin")

    [reserved] = purse.reserved
    assert reserved > 20 * ANSWER_TOKENS
    assert purse.settled == [100 * 1 + 7 * 10] == [meter.cost_micro_usd]


async def test_what_the_budget_does_not_cover_is_not_asked() -> None:
    """The answer ends as failed, with a reason of its own and without a word."""
    purse, model = MemoryPurse(10 * ANSWER_TOKENS), ScriptedModel("Ten.", STOP)

    written, meter = await outcome(model, purse, last_try=False)

    assert (written.status, written.failure, written.text) == ("failed", "budget_exceeded", "")
    assert model.asked == []
    assert (purse.settled, meter.cost_micro_usd) == ([], 0)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ((TransientError("away"),), None),
        ((PermanentError("refused"),), None),
        (("Ten seconds", InterruptedAnswerError("broke off")), 2),
        (("Ten seconds.", Finished("stop", "twin", Usage())), 2),
    ],
)
async def test_without_the_endpoints_count_the_bill_is_an_estimate(
    script: tuple[str | Finished | Exception, ...], words: int | None
) -> None:
    """Of prompt and text from the first text on; before it nothing was written, and nothing is charged."""
    purse = MemoryPurse()

    _, meter = await outcome(ScriptedModel(*script), purse)

    prompt = purse.reserved[0] - 10 * ANSWER_TOKENS
    assert purse.settled == [0 if words is None else prompt + 10 * words] == [meter.cost_micro_usd]


async def test_who_breaks_off_pays_for_the_prompt() -> None:
    """Also before the first word: else asking and leaving would be free."""
    purse, never = MemoryPurse(), asyncio.Event()

    class Silent(ScriptedModel):
        async def stream(self, messages, *, max_output_tokens):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
            await never.wait()
            yield ""

    task = asyncio.create_task(outcome(Silent(), purse))
    while not purse.reserved:
        await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task

    assert purse.settled == [purse.reserved[0] - 10 * ANSWER_TOKENS]


async def test_a_question_without_a_key_is_not_metered() -> None:
    """Nothing is counted, and nothing costs anything."""
    meter = a_meter()

    written = await answered(ScriptedModel("Ten.", STOP), Log(), context=a_context(a_passage()), meter=meter)

    assert (written.status, meter.cost_micro_usd) == ("completed", 0)


def test_a_model_costs_what_its_table_says() -> None:
    """By its name, by the name with a date behind it, or as any other one; rounded up."""
    used = Usage(input_tokens=3, output_tokens=1)

    assert PRICES.cost_micro_usd("twin", used) == PRICES.cost_micro_usd("twin-2026-04-14", used) == 13
    assert PRICES.cost_micro_usd("dear-twin", used) == 26
    assert PRICES.cost_micro_usd("twins", used) == 36
    assert PRICES.dearest_micro_usd(["twin", "dear-twin"], used) == 26
