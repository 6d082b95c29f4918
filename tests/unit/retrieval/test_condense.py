"""From a question in a conversation to what is searched for."""

import asyncio
from collections.abc import AsyncGenerator, Sequence

import pytest

from libs.contracts.values import PastMessage, Usage
from libs.errors import EloquentError, PermanentError, TransientError
from libs.llm.chat import Message
from libs.llm.chunks import Finished
from retrieval_service.condense import EARLIER_MAX_CHARACTERS, QUERY_MAX_CHARACTERS, Rewriting, fading

HISTORY = (
    PastMessage(role="user", text="What does the blue card cost?"),
    PastMessage(role="assistant", text="Five pounds a month."),
)
BY_THE_RULE = (("And the red one?", 1.0), ("What does the blue card cost?", 0.5))


class Model:
    """Says what it is told to, in two pieces."""

    def __init__(self, text: str = "", *, error: EloquentError | None = None, silent: bool = False) -> None:
        self._text = text
        self._error = error
        self._silent = silent
        self.prompts: list[Sequence[Message]] = []
        self.closed = 0

    async def stream(
        self, messages: Sequence[Message], *, max_output_tokens: int
    ) -> AsyncGenerator[str | Finished, None]:
        self.prompts.append(messages)
        try:
            yield self._text[:5]
            if self._error is not None:
                raise self._error
            if self._silent:
                await asyncio.Event().wait()
            yield self._text[5:]
            yield Finished(model="m", usage=Usage(), reason="stop")
        finally:
            self.closed += 1


async def rewritten(model: Model, *, timeout_seconds: float = 30.0) -> tuple[tuple[str, float], ...]:
    return await Rewriting(model, timeout_seconds=timeout_seconds)("And the red one?", HISTORY)


async def test_a_first_question_is_the_query() -> None:
    """Nothing is added, and no model is asked."""
    model = Model("never said")

    assert await fading("How long?", ()) == (("How long?", 1.0),)
    assert await Rewriting(model, timeout_seconds=1)("How long?", HISTORY[1:]) == (("How long?", 1.0),)
    assert model.prompts == []


async def test_a_question_asked_again_counts_once_more() -> None:
    """Its shares are added; blank ones have none; a long one is cut."""
    texts = ["long " * 1000, " ", "Why?"]
    history = [PastMessage(role="user", text=text) for text in texts]

    query = await fading("Why?", history)

    assert query == (("Why?", 1.5), (("long " * 1000)[:EARLIER_MAX_CHARACTERS], 0.25))


async def test_a_model_makes_the_question_stand_alone() -> None:
    """It sees what was said; its words are what is searched for."""
    model = Model("What does the\n red card cost?")

    assert await rewritten(model) == (("What does the red card cost?", 1.0),)
    assert "Five pounds a month." in model.prompts[0][1]["content"]
    assert model.closed == 1


@pytest.mark.parametrize(
    "model",
    [
        Model(error=TransientError("away")),
        Model("What d", error=PermanentError("refused")),
        Model(" \n "),
        Model("x" * (QUERY_MAX_CHARACTERS + 1)),
    ],
    ids=["away", "refused", "empty", "an essay"],
)
async def test_without_a_usable_reply_the_rule_decides(model: Model) -> None:
    """A question is never lost to the model that should help with it."""
    assert await rewritten(model) == BY_THE_RULE
    assert model.closed == 1


async def test_a_model_that_takes_too_long_is_not_waited_for() -> None:
    """Its stream is closed at once."""
    model = Model("What does", silent=True)

    assert await rewritten(model, timeout_seconds=0.01) == BY_THE_RULE
    assert model.closed == 1
