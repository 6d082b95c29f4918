"""The use case, with twins."""

from collections.abc import Sequence

import pytest

from libs.contracts.events import ContextRetrieved, TurnOpened
from libs.contracts.values import PastMessage, own_collection
from libs.errors import EloquentError, PermanentError, TransientError
from retrieval_service.condense import fading
from retrieval_service.fusion import MEANING
from retrieval_service.ports import Match, Relevance, Reranker
from retrieval_service.retrieve import retrieve
from retrieval_service.search import MAX_CANDIDATES, Finder
from tests.builders import a_passage, a_principal, an_opened_turn
from tests.unit.retrieval.twins import TwinCache, TwinEmbedder, TwinKnowledge, TwinWords


@pytest.fixture
def embedder() -> TwinEmbedder:
    return TwinEmbedder()


async def ask(
    known: TwinKnowledge,
    opened: TurnOpened | None = None,
    *,
    embedder: TwinEmbedder | None = None,
    cache: TwinCache | None = None,
    words: TwinWords | None = None,
    reranker: Reranker | None = None,
    top_k: int = 3,
) -> ContextRetrieved:
    cache = cache or TwinCache()
    return await retrieve(
        opened or an_opened_turn(),
        condense=fading,
        finder=Finder(embedder or TwinEmbedder(), known, words or TwinWords(), known, cache, reranker),
        passages=known,
        cache=cache,
        top_k=top_k,
        relevance=Relevance(min_score=0.5, min_coverage=0.5, growth=0.1),
    )


def texts(context: ContextRetrieved) -> list[str]:
    return [passage.text for passage in context.passages]


async def test_the_best_passages_come_first() -> None:
    """At most `top_k`, best first; scores fall with them."""
    passages = [a_passage(f"text {n}", score=0.5 + n / 10) for n in range(5)]

    context = await ask(TwinKnowledge(*(("public", passage) for passage in passages)))

    assert texts(context) == ["text 4", "text 3", "text 2"]
    scores = [passage.score for passage in context.passages]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == pytest.approx(MEANING)


async def test_the_words_of_the_question_count_too() -> None:
    """What is a little less near but has the question's words is better, and what only has words is found as well."""
    near, both, said = (a_passage(text, score=score) for text, score in (("near", 0.7), ("both", 0.65), ("said", 0.1)))
    known = TwinKnowledge(("public", near), ("public", both), ("public", said))
    words = TwinWords(Match(both.chunk_id, 9.0, 0.9), Match(said.chunk_id, 3.0, 0.2))

    assert texts(await ask(known, words=words)) == ["both", "near", "said"]


async def test_half_of_the_question_said_in_one_passage_is_relevant() -> None:
    """A part number is near nothing: that the words are there is reason enough; that a few are is none."""
    passage = a_passage("Part XK-4711 is out of stock.", score=0.1)
    known = TwinKnowledge(("public", passage))

    assert texts(await ask(known, words=TwinWords(Match(passage.chunk_id, 2.0, 0.5)))) == [passage.text]
    assert texts(await ask(known, words=TwinWords(Match(passage.chunk_id, 2.0, 0.49)))) == []


async def test_the_same_passage_is_less_of_a_reason_among_more() -> None:
    """What a reader may search is counted: the nearest of many is near whatever is asked."""
    known = TwinKnowledge(("public", a_passage("near", score=0.65)))
    known.copies = 500
    assert texts(await ask(known)) == ["near"]

    known.copies = 1_000
    assert texts(await ask(known)) == []


class Reversing:
    """Thinks the last is the best, or is out of order itself."""

    def __init__(self, error: EloquentError | None = None) -> None:
        self._error = error

    async def rerank(self, query: str, texts: Sequence[str], *, top_k: int) -> list[tuple[int, float]]:
        if self._error is not None:
            raise self._error
        return [(index, 1 - n / 10) for n, index in enumerate(reversed(range(len(texts))))][:top_k]


async def test_a_reranker_has_the_last_word() -> None:
    """It chooses among more than are given, its scores are theirs, and what it said is remembered."""
    known = TwinKnowledge(*(("public", a_passage(f"text {n}", score=0.9 - n / 10)) for n in range(5)))
    cache = TwinCache()

    first = await ask(known, reranker=Reversing(), cache=cache)
    second = await ask(known, reranker=Reversing(PermanentError("not asked again")), cache=cache)

    assert texts(first) == texts(second) == ["text 4", "text 3", "text 2"]
    assert [passage.score for passage in first.passages] == [1.0, 0.9, 0.8]


async def test_without_its_reranker_a_question_is_answered_as_if_there_were_none() -> None:
    """What fails there costs the order at most."""
    known = TwinKnowledge(*(("public", a_passage(f"text {n}", score=0.9 - n / 10)) for n in range(5)))

    for error in (TransientError("away"), PermanentError("refused")):
        assert texts(await ask(known, reranker=Reversing(error))) == ["text 0", "text 1", "text 2"]


async def test_what_is_not_relevant_is_not_given() -> None:
    """Below the threshold there is nothing, however little else there is; on it there is, with what is half as near."""
    just, below, half, far = (
        a_passage(text, score=score) for text, score in (("just", 0.5), ("below", 0.49), ("half", 0.25), ("far", 0.24))
    )

    assert texts(await ask(TwinKnowledge(("public", below), ("public", half)))) == []
    assert texts(await ask(TwinKnowledge(("public", just), ("public", half), ("public", far)))) == ["just", "half"]


async def test_the_same_text_is_given_once() -> None:
    """Of passages that say the same but for white space, the best one is kept and the next best text moves up."""
    texts = [("Ten seconds.", 0.9), ("Ten  seconds.\n", 0.8), ("Two hours.", 0.7), ("Four days.", 0.6)]
    passages = [a_passage(text, score=score) for text, score in texts]

    context = await ask(TwinKnowledge(*(("public", passage) for passage in passages)))

    assert [passage.text for passage in context.passages] == ["Ten seconds.", "Two hours.", "Four days."]


async def test_vectors_of_deleted_texts_hide_nothing() -> None:
    """However many better vectors without a row lie about, up to the bound, the passage behind them is found."""
    gone = [a_passage(f"gone {n}", score=0.9) for n in range(MAX_CANDIDATES - 1)]
    there = a_passage("there", score=0.6)
    known = TwinKnowledge(*(("public", passage) for passage in [*gone, there]))
    for passage in gone:
        known.forget(passage.chunk_id)

    assert texts(await ask(known)) == ["there"]


async def test_a_search_with_enough_results_is_not_widened() -> None:
    """What is found is found in one search, and only what is relevant is read."""
    known = TwinKnowledge(*(("public", a_passage(f"text {n}", score=0.9 - n / 10)) for n in range(9)))

    await ask(known)

    assert known.searches == [18]
    assert known.read_ids == 5


async def test_only_own_and_public_collections_are_searched() -> None:
    """Another user's passage does not appear, however well it fits."""
    me, you = a_principal(), a_principal()
    mine, public, yours = (a_passage(text, score=score) for text, score in (("a", 0.6), ("b", 0.7), ("c", 0.9)))
    known = TwinKnowledge((own_collection(me.user_id), mine), ("public", public), (own_collection(you.user_id), yours))

    context = await ask(known, an_opened_turn(principal=me))

    assert texts(context) == ["b", "a"]


async def test_who_has_nothing_to_read_costs_nothing(embedder: TwinEmbedder) -> None:
    """Without any readable knowledge neither the model nor the index is asked."""
    known = TwinKnowledge((own_collection(a_principal().user_id), a_passage(score=0.9)))

    context = await ask(known, embedder=embedder)

    assert (context.passages, embedder.asked, known.searches) == ((), [], [])


async def test_a_blank_question_finds_nothing(embedder: TwinEmbedder) -> None:
    """A model would refuse an empty text; the turn goes on without passages."""
    context = await ask(
        TwinKnowledge(("public", a_passage(score=0.9))), an_opened_turn(question=" \n "), embedder=embedder
    )

    assert (context.passages, embedder.asked) == ((), [])


async def test_the_next_stage_gets_all_it_needs() -> None:
    """The event carries the turn, the history, what was searched for, and the time it took."""
    opened = TurnOpened(
        turn=an_opened_turn(question="  How long? ").turn, history=(PastMessage(role="assistant", text="Hello"),)
    )

    context = await ask(TwinKnowledge(("public", a_passage(score=0.9))), opened)

    assert (context.turn, context.history, context.query) == (opened.turn, opened.history, "How long?")
    assert context.timings.retrieval_seconds is not None
    assert context.timings.retrieval_seconds > 0


async def test_a_follow_up_is_searched_for_with_what_came_before() -> None:
    """The event says what was searched for; earlier questions count by halves, answers and older ones not at all."""
    said = [("user", "old"), ("user", "A card?"), ("assistant", "Yes."), ("user", "Which?"), ("assistant", "Blue.")]
    history = tuple(PastMessage(role=role, text=text) for role, text in said)
    words = TwinWords()

    opened = TurnOpened(turn=an_opened_turn(question="How much is it?").turn, history=history)
    context = await ask(TwinKnowledge(("public", a_passage(score=0.9))), opened, words=words)

    assert words.asked == [(("How much is it?", 1.0), ("Which?", 0.5), ("A card?", 0.25))]
    assert context.query == "How much is it?\nWhich?\nA card?"


async def test_the_same_words_after_another_question_are_another_search(embedder: TwinEmbedder) -> None:
    """What is remembered of a follow-up is not given to who asks it of something else; no text is embedded twice."""
    known = TwinKnowledge(("public", a_passage(score=0.9)))
    cache = TwinCache()

    for before in ("A card?", "A loan?", "A card?"):
        history = (PastMessage(role="user", text=before),)
        opened = TurnOpened(turn=an_opened_turn(question="How much is it?").turn, history=history)
        await ask(known, opened, embedder=embedder, cache=cache)

    assert len(known.searches) == 2
    assert embedder.asked == ["How much is it?", "A card?", "A loan?"]


async def test_a_repeated_question_is_neither_embedded_nor_searched(embedder: TwinEmbedder) -> None:
    """The second asker of the same question gets the same passages from the cache, a guest as well as a user."""
    known = TwinKnowledge(*(("public", a_passage(f"text {n}", score=0.9 - n / 10)) for n in range(3)))
    cache = TwinCache()

    first = await ask(known, embedder=embedder, cache=cache)
    second = await ask(known, an_opened_turn(principal=a_principal(is_guest=True)), embedder=embedder, cache=cache)

    assert second.passages == first.passages != ()
    assert (len(embedder.asked), len(known.searches)) == (1, 1)


async def test_a_changed_collection_is_searched_again_but_the_question_is_not_embedded_again(
    embedder: TwinEmbedder,
) -> None:
    """A vector depends on the text alone, a ranking on what is known."""
    known = TwinKnowledge(("public", a_passage(score=0.9)))
    cache = TwinCache()
    await ask(known, embedder=embedder, cache=cache)

    known.versions["public"] += 1
    await ask(known, embedder=embedder, cache=cache)

    assert (len(embedder.asked), len(known.searches)) == (1, 2)


async def test_that_nothing_was_found_is_remembered_too(embedder: TwinEmbedder) -> None:
    """A question about something else is not searched for again and again."""
    known = TwinKnowledge(("public", a_passage(score=0.1)))
    cache = TwinCache()

    for _ in range(2):
        context = await ask(known, embedder=embedder, cache=cache)
        assert context.passages == ()

    assert len(known.searches) == 1
