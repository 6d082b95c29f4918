"""What Eloquent is compared with: a model's stream, passed on over a WebSocket by one process that keeps nothing.

`python -m tests.bench.monolith --port 9000 --model-url http://127.0.0.1:9999/v1 [--by-hand]`. It speaks the same frames
as Eloquent, so that both sides are measured by the same client.
"""

import argparse
from collections.abc import AsyncIterator

import aiohttp
import msgspec
import openai
import uvicorn
from fastapi import FastAPI, WebSocket
from starlette.websockets import WebSocketDisconnect


def app(base_url: str, *, by_hand: bool) -> FastAPI:
    """The whole product."""
    api = FastAPI()
    model = openai.AsyncOpenAI(api_key="none", base_url=base_url)
    texts = cut_by_hand if by_hand else through_sdk

    @api.websocket("/v1/chat")
    async def chat(socket: WebSocket) -> None:
        await socket.accept()
        try:
            while True:
                asked = await socket.receive_json()
                reply = {"type": "chunk", "requestId": asked["requestId"]}
                async for text in texts(model, asked["messages"][-1]["parts"][0]["text"]):
                    await socket.send_json({**reply, "chunk": {"type": "text-delta", "id": "0", "delta": text}})
                await socket.send_json({"type": "end", "requestId": asked["requestId"]})
        except WebSocketDisconnect:
            return

    return api


async def through_sdk(model: openai.AsyncOpenAI, question: str) -> AsyncIterator[str]:
    """The stream as the SDK's documentation shows it."""
    stream = await model.chat.completions.create(
        model="fake", messages=[{"role": "user", "content": question}], stream=True
    )
    async for chunk in stream:
        if chunk.choices and chunk.choices[0].delta.content:
            yield chunk.choices[0].delta.content


async def cut_by_hand(model: openai.AsyncOpenAI, question: str) -> AsyncIterator[str]:
    """The stream without the SDK: nothing can be cheaper in Python, and nothing is handled."""
    body = {"model": "fake", "messages": [{"role": "user", "content": question}], "stream": True}
    async with aiohttp.ClientSession() as session, session.post(f"{model.base_url}chat/completions", json=body) as got:
        async for line in got.content:
            if line.startswith(b'data: {"'):
                choices = msgspec.json.decode(line[6:])["choices"]
                if choices and (text := choices[0]["delta"].get("content")):
                    yield text


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int)
    parser.add_argument("--model-url")
    parser.add_argument("--by-hand", action="store_true")
    options = parser.parse_args()
    served = app(options.model_url, by_hand=options.by_hand)
    uvicorn.run(served, port=options.port, loop="uvloop", ws_per_message_deflate=False, access_log=False)
