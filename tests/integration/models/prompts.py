"""Prompts as generation writes them."""

import html
from typing import Any

from openai import AsyncOpenAI


def a_prompt(question: str, *passages: tuple[str, str], history: tuple[dict[str, str], ...] = ()) -> list[Any]:
    """The messages for a question, with passages as (title, text)."""
    blocks = "\n\n".join(
        f'<passage n="{number}" title="{html.escape(title)}">\n{html.escape(text)}\n</passage>'
        for number, (title, text) in enumerate(passages, 1)
    )
    rules = {"role": "system", "content": f"Answer from the <passage> elements only.\n\n{blocks}"}
    return [rules, *history, {"role": "user", "content": question}]


async def answer(client: AsyncOpenAI, messages: list[Any]) -> str:
    """The text of the extractive model's answer."""
    completion = await client.chat.completions.create(model="extractive", messages=messages)
    return completion.choices[0].message.content or ""
