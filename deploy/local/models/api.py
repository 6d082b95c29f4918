"""`/v1/embeddings`, `/v1/chat/completions` and `/v1/models`; a bearer key is accepted and not needed."""

import base64
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from prometheus_client import Histogram
from pydantic import BaseModel, BeforeValidator, Field, StringConstraints, ValidationError

from deploy.local.models.chat_stream import server_sent_events
from deploy.local.models.embedding import Embedder
from deploy.local.models.ports import ChatModel, Json, Vectors
from deploy.local.models.refusals import InvalidRequestError, invalid
from libs.errors import RequestError

EMBEDDING_MODEL = "all-minilm-l6-v2"
BODY_MAX_BYTES = 16 * 1024 * 1024
"""Room for the largest allowed batch of long chunks; what is larger is refused before it is read to its end."""
MAX_TEXTS = 2048
"""As OpenAI has it."""
TEXT_MAX_CHARACTERS = 32_768
"""OpenAI takes 8192 tokens, which is about as much; the model itself looks at the first 256."""

_REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"description": "A field is wrong; `error` says which"},
    404: {"description": "There is no such model"},
}


def _as_texts(value: object) -> object:
    texts = value if isinstance(value, list) else [value]
    if any(isinstance(text, int | list) for text in texts):
        raise ValueError("send text; token arrays cannot be read here")
    return texts


Text = Annotated[str, StringConstraints(min_length=1, max_length=TEXT_MAX_CHARACTERS)]

_SECONDS = Histogram(
    "gen_ai_server_request_duration_seconds",
    "Time to the whole answer, or to the first chunk of a streamed one",
    ["gen_ai_operation_name", "gen_ai_request_model"],
)


class EmbeddingRequest(BaseModel):
    """A request for embeddings."""

    model: str
    input: Annotated[list[Text], Field(min_length=1, max_length=MAX_TEXTS), BeforeValidator(_as_texts)]
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: Literal[384] | None = None


def models_router(embedder: Embedder, chat_models: Sequence[ChatModel]) -> APIRouter:
    """OpenAI's routes under `/v1`."""
    router = APIRouter(prefix="/v1")
    started = int(time.time())
    by_name = {model.name: model for model in chat_models}

    @router.get("/models")
    async def models() -> Json:
        """The models that run here."""
        return {"object": "list", "data": [_listed(name, started) for name in (EMBEDDING_MODEL, *by_name)]}

    @router.get("/models/{name:path}", responses=_REFUSALS)
    async def model(name: str) -> Json:
        """One of them."""
        if name not in {EMBEDDING_MODEL, *by_name}:
            raise _no_such_model(name, [EMBEDDING_MODEL, *by_name])
        return _listed(name, started)

    @router.post("/embeddings", responses=_REFUSALS)
    async def embeddings(request: Request) -> Response:
        """One vector per text."""
        wanted = _embedding_request(await _body(request))
        if wanted.model.lower() != EMBEDDING_MODEL:
            raise _no_such_model(wanted.model, [EMBEDDING_MODEL])
        with _SECONDS.labels("embeddings", EMBEDDING_MODEL).time():
            result = await embedder.embed(wanted.input)
        return _json(
            {
                "object": "list",
                "model": EMBEDDING_MODEL,
                "data": [
                    {"object": "embedding", "index": index, "embedding": vector}
                    for index, vector in enumerate(_encoded(result.vectors, wanted.encoding_format))
                ],
                "usage": {"prompt_tokens": result.tokens, "total_tokens": result.tokens},
            }
        )

    @router.post("/chat/completions", responses=_REFUSALS)
    async def chat_completions(request: Request) -> Response:
        """An answer, whole or streamed."""
        body = _object(await _body(request))
        chat = by_name.get(str(body.get("model")))
        if chat is None:
            raise _no_such_model(str(body.get("model")), list(by_name))
        with _SECONDS.labels("chat", chat.name).time():
            if not body.get("stream"):
                return _json(await chat.complete(body))
            chunks = chat.stream(body)
            first = await anext(chunks)
        return StreamingResponse(server_sent_events(first, chunks), media_type="text/event-stream")

    return router


def embeds(embedder: Embedder) -> Callable[[], Awaitable[object]]:
    """A readiness check: the model embeds a word."""

    async def check() -> object:
        return await embedder.embed(["ready"])

    return check


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > BODY_MAX_BYTES:
            raise RequestError(f"The body is larger than {BODY_MAX_BYTES} bytes.", status=413, code="too_large")
    return bytes(body)


def _object(body: bytes) -> Json:
    try:
        return msgspec.json.decode(body, type=Json)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidRequestError("The body is not a JSON object.", param=None) from error


def _embedding_request(body: bytes) -> EmbeddingRequest:
    try:
        return EmbeddingRequest.model_validate(_object(body))
    except ValidationError as error:
        raise invalid(error) from error


def _encoded(vectors: Vectors, encoding: Literal["float", "base64"]) -> Sequence[object]:
    if encoding == "float":
        return [vector.tolist() for vector in vectors]
    return [base64.b64encode(vector.astype(np.dtype("<f4")).tobytes()).decode() for vector in vectors]


def _listed(name: str, created: int) -> Json:
    return {"id": name, "object": "model", "created": created, "owned_by": "local"}


def _json(value: Json) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")


def _no_such_model(name: str, there_are: list[str]) -> RequestError:
    detail = f"The model `{name[:200]}` does not exist here. There is: {', '.join(there_are)}."
    return RequestError(detail, status=404, code="model_not_found")
