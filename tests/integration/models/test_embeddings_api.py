"""`/v1/embeddings` through the real SDK."""

import asyncio
import math

import httpx
import openai
import pytest
from openai import AsyncOpenAI

from deploy.local.models.api import EMBEDDING_MODEL, MAX_TEXTS, TEXT_MAX_CHARACTERS


async def test_a_text_gets_a_unit_vector_and_its_tokens(client: AsyncOpenAI) -> None:
    """With the encoding the SDK asks for by itself, base64."""
    answer = await client.embeddings.create(model=EMBEDDING_MODEL, input="hello world")

    [item] = answer.data
    assert len(item.embedding) == 384
    assert math.sqrt(sum(value * value for value in item.embedding)) == pytest.approx(1, abs=1e-5)
    assert (answer.usage.prompt_tokens, answer.usage.total_tokens, answer.model) == (4, 4, EMBEDDING_MODEL)


async def test_both_encodings_say_the_same(client: AsyncOpenAI) -> None:
    """For a list, in its order."""
    texts = ["A long text about transfers. " * 20, "Fees", "How do I close my account?"]

    numbers = await client.embeddings.create(
        model=EMBEDDING_MODEL, input=texts, encoding_format="float", dimensions=384
    )
    packed = await client.embeddings.create(model=EMBEDDING_MODEL, input=texts)

    assert [item.index for item in packed.data] == [0, 1, 2]
    for one, other in zip(numbers.data, packed.data, strict=True):
        assert one.embedding == pytest.approx(other.embedding, abs=1e-5)


@pytest.mark.parametrize(
    ("request_fields", "message"),
    [
        ({"input": ""}, "input.0: "),
        ({"input": []}, "input: "),
        ({"input": ["a", ""]}, "input.1: "),
        ({"input": ["a"] * (MAX_TEXTS + 1)}, "input: "),
        ({"input": "a" * (TEXT_MAX_CHARACTERS + 1)}, "input.0: "),
        ({"input": [1, 2, 3]}, "token arrays cannot be read"),
        ({"input": [[1, 2, 3]]}, "token arrays cannot be read"),
        ({"input": "a", "dimensions": 256}, "dimensions: "),
        ({"input": "a", "encoding_format": "hex"}, "encoding_format: "),
    ],
)
async def test_a_bad_request_names_its_field(
    client: AsyncOpenAI, request_fields: dict[str, object], message: str
) -> None:
    """In the shape the SDK understands."""
    body = {"model": EMBEDDING_MODEL, **request_fields}

    with pytest.raises(openai.BadRequestError, match=message) as refused:
        await client.post("/embeddings", body=body, cast_to=object)

    assert refused.value.type == "invalid_request_error"
    assert str(refused.value.param).split(".")[0] in {"input", "dimensions", "encoding_format"}


async def test_an_unknown_model_is_not_replaced_by_another(client: AsyncOpenAI) -> None:
    """The message says what there is."""
    with pytest.raises(openai.NotFoundError, match=EMBEDDING_MODEL) as refused:
        await client.embeddings.create(model="text-embedding-3-small", input="a")

    assert refused.value.code == "model_not_found"


@pytest.mark.parametrize("body", [b"", b"[1]", b"{", b"[" * 100_000, b'{"model": NaN}', b"\xff"])
async def test_a_body_that_is_no_json_object_is_refused(models_url: str, body: bytes) -> None:
    """With a 400, whatever it is."""
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.post(f"{models_url}/v1/embeddings", content=body)

    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


async def test_an_endless_body_is_cut_off(models_url: str) -> None:
    """It is not read to its end."""
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
        answer = await http.post(f"{models_url}/v1/embeddings", content=b" " * (17 * 1024 * 1024))

    assert answer.status_code == 413


async def test_a_question_is_embedded_while_a_document_is(client: AsyncOpenAI) -> None:
    """The short request is served before the long one ends."""
    document = asyncio.create_task(
        client.embeddings.create(model=EMBEDDING_MODEL, input=[f"word {n} " * 120 for n in range(60)])
    )
    questions = 0
    while not document.done():
        await client.embeddings.create(model=EMBEDDING_MODEL, input="How much does it cost?")
        questions += not document.done()
    await document

    assert questions > 0


async def test_models_are_listed(client: AsyncOpenAI) -> None:
    """The embedding model and the one that answers; a single one can be asked for."""
    assert [model.id async for model in client.models.list()] == [EMBEDDING_MODEL, "extractive"]
    assert (await client.models.retrieve("extractive")).owned_by == "local"
    with pytest.raises(openai.NotFoundError):
        await client.models.retrieve("gpt-5")


async def test_probes_and_metrics_answer(models_url: str) -> None:
    """As on every process; an unknown path has OpenAI's error shape."""
    async with httpx.AsyncClient(trust_env=False, base_url=models_url) as http:
        ready, alive, metrics, nothing = [
            await http.get(path) for path in ("/readyz", "/healthz", "/metrics", "/v1/nothing")
        ]

    assert ready.json() == {"ready": True, "checks": {"embeddings": "ok"}}
    assert alive.status_code == 200
    assert "gen_ai_server_request_duration_seconds" in metrics.text
    assert (nothing.status_code, nothing.json()["error"]["type"]) == (404, "invalid_request_error")
