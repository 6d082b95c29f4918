"""Turns to read through the API, and the calls of a client that reads them."""

from collections.abc import AsyncIterator
from typing import Any

import httpx

from history_service.open_turn import open_turn
from history_service.record_answer import record_answer
from history_service.turns import PostgresTurns
from libs.contracts.events import QuestionAsked
from libs.contracts.values import Principal
from libs.errors import RequestError
from tests.builders import a_principal, a_question, an_answer

UNDO_SECONDS = 600.0
ANN, BOB = a_principal(), a_principal(is_guest=True)


class Tokens:
    """A verifier that knows who a token belongs to without any cryptography."""

    def __init__(self, **principals: Principal) -> None:
        self._principals = principals

    async def verify(self, token: str) -> Principal:
        if token not in self._principals:
            raise RequestError("No such token.", status=401, code="invalid_token")
        return self._principals[token]


def as_(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {name}"}


async def an_asked(turns: PostgresTurns, **given: Any) -> QuestionAsked:
    """A question of Ann's that is stored."""
    asked = a_question(**{"principal": ANN, **given})
    await open_turn(asked, store=turns)
    return asked


async def an_answered(turns: PostgresTurns, text: str = "Ten seconds.", **given: Any) -> QuestionAsked:
    asked = await an_asked(turns, **given)
    await record_answer(an_answer(text, turn=asked.turn), store=turns)
    return asked


def problem(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/problem+json"
    return response.status_code, response.json()["code"]


async def pages(http: httpx.AsyncClient, path: str, **params: Any) -> AsyncIterator[list[dict[str, Any]]]:
    """The items of each page until there is no next one."""
    while True:
        response = await http.get(path, params=params)
        assert response.status_code == 200, response.text
        yield response.json()["items"]
        if response.json()["next_cursor"] is None:
            return
        params["cursor"] = response.json()["next_cursor"]


async def ids(http: httpx.AsyncClient, path: str, **params: Any) -> list[str]:
    return [item["id"] async for page in pages(http, path, **params) for item in page]
