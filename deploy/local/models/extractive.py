"""The model for machines without a language model: it answers with the sentences of the passages that answer best."""

import asyncio
import re
from collections import OrderedDict
from collections.abc import AsyncGenerator, Sequence
from hashlib import blake2b

import numpy as np

from deploy.local.models.chat_stream import Completion, FinishReason
from deploy.local.models.embedding import Embedder
from deploy.local.models.minilm import DIMENSIONS
from deploy.local.models.ports import Json, TokenCounter, Vectors
from deploy.local.models.prompt import ChatRequest, NumberedPassage, passages_in, questions_in, read_request
from deploy.local.models.selection import Candidate, select
from deploy.local.models.sentences import sentences_in

NO_ANSWER = "I could not find an answer to this in the documents."
EARLIER_SHARES = (1.0, 0.5, 0.25)
"""Of the last question and the two before it: what those were about is still being talked of."""
MAX_CANDIDATES = 600
"""What is embedded for one question at most; eight long passages have about 150 sentences."""

_WORD = re.compile(r"\S+\s*")


class ExtractiveModel:
    """Quotes one to three sentences, each with the `[n]` of its passage, or says that none answers.

    Args:
        embedder: compares question and sentences.
        tokenizer: counts tokens.
        cached_sentences: sentence embeddings to keep; passages recur from question to question.
    """

    name = "extractive"

    def __init__(self, embedder: Embedder, tokenizer: TokenCounter, *, cached_sentences: int) -> None:
        self._embedder = embedder
        self._tokenizer = tokenizer
        self._cached_sentences = cached_sentences
        self._cache: OrderedDict[bytes, Vectors] = OrderedDict()

    async def complete(self, body: Json) -> Json:
        """The whole answer at once."""
        completion, words, reason = await self._written(body)
        return completion.whole("".join(words), reason)

    async def stream(self, body: Json) -> AsyncGenerator[Json]:
        """The answer word by word."""
        completion, words, reason = await self._written(body)
        yield completion.opening()
        for word in words:
            yield completion.delta(word)
        yield completion.closing(reason)
        if completion.include_usage:
            yield completion.usage_chunk()

    async def _written(self, body: Json) -> tuple[Completion, list[str], FinishReason]:
        request = read_request(body)
        words = _WORD.findall(await self._answer(request))
        texts = [message.text for message in request.messages]
        prompt_tokens = sum(await asyncio.to_thread(self._tokenizer.count_tokens, texts))
        written: list[str] = []
        tokens = 0
        for word, count in zip(words, self._tokenizer.count_tokens(words), strict=True):
            if request.token_limit is not None and tokens + count > request.token_limit:
                break
            written.append(word)
            tokens += count
        completion = Completion(self.name, prompt_tokens, tokens, include_usage=request.include_usage)
        return completion, written, "stop" if len(written) == len(words) else "length"

    async def _answer(self, request: ChatRequest) -> str:
        passages, questions = passages_in(request.messages), questions_in(request.messages)
        if not passages or not questions:
            return NO_ANSWER
        candidates, texts = _candidates(passages)
        asked, vectors = await asyncio.gather(
            self._embedder.embed(questions[: -len(EARLIER_SHARES) - 1 : -1]), self._embedded(texts)
        )
        chosen = select(_blended(asked.vectors), candidates, vectors)
        return " ".join(f"{candidate.text} [{candidate.passage}]" for candidate in chosen) or NO_ANSWER

    async def _embedded(self, texts: Sequence[str]) -> Vectors:
        keys = [blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest() for text in texts]
        vectors = {key: self._cache[key] for key in keys if key in self._cache}
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in vectors}
        embedded = await self._embedder.embed(list(missing.values()))
        # Copied, or one cached sentence would keep the vectors of its whole batch.
        vectors |= {key: vector.copy() for key, vector in zip(missing, embedded.vectors, strict=True)}
        for key, vector in vectors.items():
            self._cache[key] = vector
            self._cache.move_to_end(key)
        while len(self._cache) > self._cached_sentences:
            self._cache.popitem(last=False)
        return np.array([vectors[key] for key in keys], dtype=np.float32).reshape(-1, DIMENSIONS)


def _blended(questions: Vectors) -> Vectors:
    together = np.array(EARLIER_SHARES[: len(questions)], dtype=np.float32) @ questions
    return np.asarray(together / np.linalg.norm(together), dtype=np.float32)


def _candidates(passages: Sequence[NumberedPassage]) -> tuple[list[Candidate], list[str]]:
    """What may be quoted, and beside each the text to embed: with its heading, which often names the subject."""
    candidates: list[Candidate] = []
    texts: list[str] = []
    for rank, passage in enumerate(passages):
        for sentence in sentences_in(passage.text):
            candidates.append(Candidate(sentence.text, passage.number, rank / len(passages)))
            texts.append(f"{sentence.context or passage.title}: {sentence.focus or sentence.text}")
    return candidates[:MAX_CANDIDATES], texts[:MAX_CANDIDATES]
