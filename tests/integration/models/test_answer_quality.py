"""The extractive model on the sample knowledge base: a floor under what was calibrated."""

import json
from pathlib import Path
from typing import Any

from openai import AsyncOpenAI

from deploy.local.models.extractive import NO_ANSWER
from tests.integration.models.prompts import a_prompt, answer

KNOWLEDGE = Path(__file__).parents[3] / "deploy" / "local" / "knowledge"
QUESTIONS = [json.loads(line) for line in (KNOWLEDGE / "questions.jsonl").read_text(encoding="utf-8").splitlines()]


def sections(article: str) -> list[tuple[str, str]]:
    text = (KNOWLEDGE / article).read_text(encoding="utf-8")
    title = text.split("\n")[0].removeprefix("# ")
    return [(title, section) for section in text.replace("\n## ", "\n\f## ").split("\f")]


async def test_half_of_the_hard_questions_are_answered_with_the_sentence_that_was_meant(client: AsyncOpenAI) -> None:
    """With the very sentence that was meant, although question and text share hardly a word."""
    questions: list[dict[str, Any]] = [item for item in QUESTIONS if str(item["article"]).endswith(".md")]
    assert len(questions) > 20

    quoted = [
        item["answer"].rstrip(".") in await answer(client, a_prompt(item["question"], *sections(item["article"])))
        for item in questions
    ]

    assert sum(quoted) / len(quoted) > 0.5


async def test_foreign_questions_are_not_answered(client: AsyncOpenAI) -> None:
    """Whatever the passages are, most questions that no article answers get none."""
    questions = [item["question"] for item in QUESTIONS if item["article"] is None]
    passages = sections("payments/transfer-times.md")

    declined = [await answer(client, a_prompt(question, *passages)) == NO_ANSWER for question in questions]

    assert sum(declined) / len(declined) > 0.85
