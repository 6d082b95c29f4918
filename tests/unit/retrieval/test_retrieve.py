"""The use case, with twins."""

import pytest

from libs.contracts.events import ContextRetrieved, TurnOpened
from libs.contracts.values import PastMessage, own_collection
from retrieval_service.retrieve import MAX_CANDIDATES, retrieve
from tests.builders import a_passage, a_principal, an_opened_turn
from tests.unit.retrieval.twins import TwinCache, TwinEmbedder, TwinKnowledge


@pytest.fixture
def embedder() -> TwinEmbedder:
    return TwinEmbedder()


async def ask(
    known: TwinKnowledge,
    opened: TurnOpened | None = None,
    *,
    embedder: TwinEmbedder | None = None,
    cache: TwinCache | None = None,
    top_k: int = 3,
) -> ContextRetrieved:
    return await retrieve(
        opened or an_opened_turn(),
        embedder=embedder or TwinEmbedder(),
        index=known,
        passages=known,
        cache=cache or TwinCache(),
        top_k=top_k,
        min_score=0.5,
    )


async def test_the_best_passages_come_first() -> None:
    """At most `top_k`, best first, with their scores."""
    passages = [a_passage(f"text {n}", score=0.5 + n / 10) for n in range(5)]

    context = await ask(TwinKnowledge(*(("public", passage) for passage in passages)))

    assert context.passages == (passages[4], passages[3], passages[2])


async def test_what_is_not_relevant_is_not_given() -> None:
    """Below the threshold there is nothing, however little else there is; on it there is."""
    just, below = a_passage("just", score=0.5), a_passage("below", score=0.49)

    context = await ask(TwinKnowledge(("public", just), ("public", below)))

    assert context.passages == (just,)


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

    context = await ask(known)

    assert context.passages == (there,)


async def test_a_search_with_enough_results_is_not_widened() -> None:
    """What is found is found in one search, and only what is relevant is read."""
    known = TwinKnowledge(*(("public", a_passage(f"text {n}", score=0.9 - n / 10)) for n in range(9)))

    await ask(known)

    assert known.searches == [9]
    assert known.read_ids == 5


async def test_only_own_and_public_collections_are_searched() -> None:
    """Another user's passage does not appear, however well it fits."""
    me, you = a_principal(), a_principal()
    mine, public, yours = (a_passage(text, score=score) for text, score in (("a", 0.6), ("b", 0.7), ("c", 0.9)))
    known = TwinKnowledge((own_collection(me.user_id), mine), ("public", public), (own_collection(you.user_id), yours))

    context = await ask(known, an_opened_turn(principal=me))

    assert context.passages == (public, mine)


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
        turn=an_opened_turn(question="  How long? ").turn, history=(PastMessage(role="user", text="Hello"),)
    )

    context = await ask(TwinKnowledge(("public", a_passage(score=0.9))), opened)

    assert (context.turn, context.history, context.query) == (opened.turn, opened.history, "How long?")
    assert context.timings.retrieval_seconds is not None
    assert context.timings.retrieval_seconds > 0


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
