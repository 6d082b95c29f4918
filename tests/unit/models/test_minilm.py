"""The model is the one it says it is: its tokens and vectors are those of the published one."""

from pathlib import Path

import numpy as np
import pytest

from deploy.local.models.minilm import DIMENSIONS, MAX_TOKENS, MiniLm
from deploy.local.models.ports import Vectors
from libs.errors import PermanentError


def embed(minilm: MiniLm, *texts: str) -> Vectors:
    return minilm.run(minilm.tokenize(texts))


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("hello world", [101, 7592, 2088, 102]),
        ("Hello, World!", [101, 7592, 1010, 2088, 999, 102]),
        ("How do I reset my password?", [101, 2129, 2079, 1045, 25141, 2026, 20786, 1029, 102]),
        ("Café", [101, 7668, 102]),
        ("embeddings", [101, 7861, 8270, 4667, 2015, 102]),
        ("\N{ROBOT FACE}", [101, 100, 102]),
        ("", [101, 102]),
    ],
)
def test_tokens_are_those_of_bert_base_uncased(minilm: MiniLm, text: str, ids: list[int]) -> None:
    """Ids as published with the vocabulary."""
    assert minilm.tokenize([text]) == [ids]


def test_a_long_text_is_cut_where_the_model_ends(minilm: MiniLm) -> None:
    """Its first tokens count, between the special ones; the count of all tokens is not cut."""
    text = "hello world " * 500

    [row] = minilm.tokenize([text])

    assert len(row) == MAX_TOKENS
    assert (row[0], row[1], row[-1]) == (101, 7592, 102)
    assert minilm.count_tokens([text, "hello"]) == [1000, 1]


@pytest.mark.parametrize(
    ("one", "other", "similarity"),
    [
        ("How do I reset my password?", "I forgot my login credentials, how can I change them?", 0.659),
        ("How do I reset my password?", "hello world", 0.054),
        ("How do I reset my password?", "The capital of France is Paris.", 0.024),
    ],
)
def test_similarities_are_those_of_the_full_precision_model(
    minilm: MiniLm, one: str, other: str, similarity: float
) -> None:
    """Within what eight-bit weights cost; the numbers are the published float32 weights', run by hand in numpy."""
    first, second = embed(minilm, one, other)

    assert float(first @ second) == pytest.approx(similarity, abs=0.015)


def test_vectors_have_unit_length(minilm: MiniLm) -> None:
    """So a dot product is a cosine."""
    vectors = embed(minilm, "a", "A much longer text, with several words.", "")

    assert vectors.shape == (3, DIMENSIONS)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)


def test_padding_changes_nothing(minilm: MiniLm) -> None:
    """A short text beside a long one gets the vector it gets alone."""
    [alone] = embed(minilm, "How long does a transfer take?")
    padded, _ = embed(minilm, "How long does a transfer take?", "word " * 100)

    assert float(alone @ padded) == pytest.approx(1, abs=1e-4)


def test_other_weights_are_refused(tmp_path: Path) -> None:
    """The message names the file and both digests."""
    weights = tmp_path / "model.onnx"
    weights.write_bytes(b"not a model")

    with pytest.raises(PermanentError, match=r"model\.onnx is not the model we know.*8199be6f"):
        MiniLm(weights, threads=1)
