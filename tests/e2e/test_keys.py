"""A program with a key, from the first request to the last cent, on a whole running system."""

from uuid import uuid4

import httpx

from tests.abuse.apis import user_of
from tests.e2e.model import new_question
from tests.e2e.people import Frame, Person
from tests.e2e.stack import Stack
from tests.polling import eventually

AT_ONCE = 6


def program_of(stack: Stack, http: httpx.AsyncClient, secret: str) -> Person:
    """A program that has this key for a token."""

    async def key() -> str:
        return secret

    return Person(stack, http, key)


def errors_of(frames: list[Frame]) -> list[str]:
    """What the chunks of a reply say went wrong."""
    chunks = [frame["chunk"] for frame in frames if frame["type"] == "chunk"]
    return [chunk["errorText"] for chunk in chunks if chunk["type"] == "error"]


async def test_a_program_asks_until_its_budget_or_its_key_is_gone(stack: Stack, http: httpx.AsyncClient) -> None:
    """What it was told, what is stored and what is billed agree; its secret is in no log, and in no key of Redis."""
    user = await user_of(stack, http)
    wanted = {"name": "Report", "monthly_budget_usd": 0.03}
    made = (await user.call("POST", "/v1/keys", json=wanted)).json()
    program = program_of(stack, http, made["secret"])
    sessions = [f"report-{uuid4().hex}" for _ in range(AT_ONCE)]

    # At once, and more than there is for: an answer of this model may cost about a cent.
    async with program.socket() as socket:
        asked = [await socket.send(session, new_question(), message_id="m1") for session in sessions]
        replies = await socket.replies(*asked)

    refused = [text for request in asked for text in errors_of(replies[request])]
    # Not the program: its plan is for ten requests at once.
    stored = [answer for session in sessions for answer in await user.answers(session)]
    [key] = (await user.call("GET", "/v1/usage")).json()["items"]
    assert 0 < len(refused) < AT_ONCE
    assert all("budget" in text for text in refused)
    assert sorted(answer["status"] for answer in stored) == ["completed"] * (AT_ONCE - len(refused)) + ["failed"] * len(
        refused
    )
    assert {(answer["failure"], answer["content"]) for answer in stored if answer["status"] == "failed"} == {
        ("budget_exceeded", "")
    }
    assert 0 < key["month"]["cost_usd"] <= 0.03
    assert key["budget_left_usd"] == round(0.03 - key["month"]["cost_usd"], 6)
    assert key["month"]["answers"] == AT_ONCE
    assert key["requests"] >= AT_ONCE
    assert (await program.call("GET", "/v1/usage")).json()["items"][0]["key_id"] == key["key_id"] == made["id"]

    [one, *_] = (await program.call("GET", "/v1/sessions")).json()["items"]
    assert (await program.call("DELETE", f"/v1/sessions/{one['id']}")).status_code == 403
    assert (await program.call("GET", "/v1/documents")).status_code == 403
    assert (await user.call("DELETE", f"/v1/keys/{made['id']}")).status_code == 204

    async def is_shut_out() -> bool:
        async with program.socket() as socket:
            [last] = (await socket.replies(await socket.resume(sessions[0]))).popitem()[1][-1:]
        return "API key is not valid" in last.get("errorText", "")

    await eventually(is_shut_out, within_seconds=5)
    assert (await program.call("GET", "/v1/sessions")).json()["code"] == "invalid_key"
    assert made["secret"] not in stack.log_tail()
