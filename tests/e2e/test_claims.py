"""A guest signs in while an answer is written: everything of it is the account's, and nothing comes twice."""

import asyncio
from uuid import uuid4

import httpx

from tests.abuse.apis import user_of
from tests.e2e.model import Model, name_of, new_question, text_of
from tests.e2e.people import Person
from tests.e2e.stack import Stack
from tests.polling import eventually


async def test_a_claim_in_mid_answer_loses_and_doubles_nothing(
    stack: Stack, http: httpx.AsyncClient, guest: Person, model: Model
) -> None:
    """From two devices at once; the old tab reads on, a new one resumes, and the question sent again has one answer."""
    user = await user_of(stack, http)
    question, session = new_question(), str(uuid4())
    pause = model.pause(question, 5)
    async with asyncio.TaskGroup() as tabs:
        old = tabs.create_task(guest.ask(session, question, message_id="m1"))

        async def is_written() -> bool:
            return pause.is_reached

        await eventually(is_written)
        body = {"guest_token": await guest.token()}
        claims = await asyncio.gather(*(user.call("POST", "/v1/sessions/claim", json=body) for _ in range(2)))
        again = tabs.create_task(user.ask(session, question, message_id="m1"))
        active = await user.call("GET", f"/v1/sessions/{session}/active")
        pause.go_on()

    assert sorted(claim.json()["sessions"] for claim in claims) == [0, 1]
    assert active.json()["answer_id"] == old.result().message_id == again.result().message_id
    assert old.result().text == again.result().text == text_of(question)
    assert [answer["content"] for answer in await user.answers(session)] == [text_of(question)]
    assert (await guest.call("GET", f"/v1/sessions/{session}")).status_code == 404
    assert model.attempts[name_of(question)] == 1
    assert (await user.ask(session, question, message_id="m1")).message_id == old.result().message_id
    assert len(await user.messages(session)) == 2
