"""The search for words: PostgreSQL's full text with BM25, over the rows as they are."""

import math
from collections.abc import Sequence
from uuid import UUID

import asyncpg
import pytest

from retrieval_service.lexical import PostgresWords
from retrieval_service.ports import Match
from tests.integration.retrieval.builders import Shelf

K1, B = 1.2, 0.75
_COLUMNS = (
    *("chunk_id", "document_id", "version", "ordinal", "collection", "text", "heading"),
    *("start_char", "end_char"),
)


@pytest.fixture
def words(pool: asyncpg.Pool) -> PostgresWords:
    return PostgresWords(pool)


async def found(words: PostgresWords, query: str, *collections: str, top_k: int = 10) -> list[Match]:
    return await words.search(((query, 1.0),), collections=collections or ("public",), top_k=top_k)


async def texts(pool: asyncpg.Pool, matches: Sequence[Match]) -> list[str]:
    rows = {row["chunk_id"]: row["text"] for row in await pool.fetch("SELECT chunk_id, text FROM chunks")}
    return [rows[match.chunk_id] for match in matches]


async def test_scores_are_bm25(shelf: Shelf, words: PostgresWords, pool: asyncpg.Pool) -> None:
    """To the formula, whose lengths count different words: often is better, rare is better, short is better."""
    chunks = ["apple apple apple pear", "apple plum plum fig kiwi lime", "pear plum", "fig"]
    await shelf.add(*chunks)

    matches = await found(words, "apple fig unheard")

    def idf(having: int) -> float:
        return math.log(1 + (len(chunks) - having + 0.5) / (having + 0.5))

    lengths = [len(set(text.split())) for text in chunks]
    mean = sum(lengths) / len(lengths)

    def bm25(text: str) -> float:
        counts = [(text.split().count(word), idf(2)) for word in ("apple", "fig")]
        norm = K1 * (1 - B + B * len(set(text.split())) / mean)
        return sum(weight * n * (K1 + 1) / (n + norm) for n, weight in counts)

    expected = sorted(((bm25(text), text) for text in chunks if bm25(text)), reverse=True)
    assert await texts(pool, matches) == [text for _, text in expected]
    assert [match.score for match in matches] == pytest.approx([score for score, _ in expected], rel=0.04)
    whole = 2 * idf(2) + idf(0)
    coverage = dict(zip(await texts(pool, matches), (match.coverage for match in matches), strict=True))
    assert coverage["fig"] == pytest.approx(idf(2) / whole)
    assert coverage[chunks[1]] == pytest.approx(2 * idf(2) / whole)


@pytest.mark.parametrize(
    "query",
    ["fee & !card", "'fee' | \\ :* <->", 'fee" OR ($1) %s {}', "fee\0card", "FEE; DROP TABLE chunks --", "it's a fee"],
)
async def test_words_are_nothing_but_words(shelf: Shelf, words: PostgresWords, pool: asyncpg.Pool, query: str) -> None:
    """No sign in a question is an operator, of full text search or of SQL."""
    await shelf.add("the fee is five pounds", "another matter")

    assert "the fee is five pounds" in await texts(pool, await found(words, query))


@pytest.mark.parametrize("query", ["", "!?", "unheard", "& | !"])
async def test_no_word_that_is_known_finds_nothing(shelf: Shelf, words: PostgresWords, query: str) -> None:
    """Neither does a collection in which there is nothing."""
    await shelf.add("the fee is five pounds")

    assert await found(words, query) == []
    assert await found(words, "fee", "empty") == []


async def test_only_named_collections_are_searched_and_counted(
    shelf: Shelf, words: PostgresWords, pool: asyncpg.Pool
) -> None:
    """Others' chunks are not found, and how rare a word is does not come from them."""
    await shelf.add("my fee", "my card", collection="mine")
    before = await found(words, "fee", "mine")

    await shelf.add(*(f"your fee {n}" for n in range(20)), collection="yours")

    assert await found(words, "fee", "mine") == before
    assert await texts(pool, await found(words, "fee", "mine", "public")) == ["my fee"]


async def test_each_language_has_its_own_forms(shelf: Shelf, words: PostgresWords, pool: asyncpg.Pool) -> None:
    """A word is found in another form where the document's language says so, side by side in one ranking."""
    german = await shelf.add("alle Überweisungen sind kostenlos")
    english = await shelf.add("all transfers are free")
    await shelf.add("Transfers in keiner Sprache")
    await pool.execute("UPDATE chunks SET language = 'german' WHERE document_id = $1", german)
    await pool.execute("UPDATE chunks SET language = 'english' WHERE document_id = $1", english)

    query = "ist eine Überweisung / transferred?"

    assert set(await texts(pool, await found(words, query))) == {
        "alle Überweisungen sind kostenlos",
        "all transfers are free",
    }
    assert await texts(pool, await found(words, "Überweisungen")) == ["alle Überweisungen sind kostenlos"]


async def test_titles_and_headings_are_found(shelf: Shelf, words: PostgresWords, pool: asyncpg.Pool) -> None:
    """What stands above a chunk says what it is about."""
    document_id = await shelf.add("it is five pounds")
    await pool.execute("UPDATE chunks SET context = 'The blue card > Fees' WHERE document_id = $1", document_id)

    assert await texts(pool, await found(words, "blue card")) == ["it is five pounds"]


async def test_shares_decide_between_texts(shelf: Shelf, words: PostgresWords, pool: asyncpg.Pool) -> None:
    """A text with half the share counts half as much; a word of both has both shares."""
    await shelf.add("red", "blue", "green")

    async def scores(*query: tuple[str, float]) -> dict[str, float]:
        matches = await words.search(query, collections=["public"], top_k=9)
        return dict(zip(await texts(pool, matches), (match.score for match in matches), strict=True))

    blended = await scores(("red", 1.0), ("blue red", 0.5))

    assert blended["red"] == pytest.approx(1.5 * (await scores(("red", 1.0)))["red"])
    assert blended["blue"] == pytest.approx(0.5 * (await scores(("blue", 1.0)))["blue"])


async def test_frequent_words_are_looked_for_together(shelf: Shelf, words: PostgresWords, pool: asyncpg.Pool) -> None:
    """Where each alone would bring too many chunks, those with several of them are weighed, and found."""
    document_id = await shelf.add("seed")
    filler = [f"alpha {n}" if n % 2 else f"beta {n}" for n in range(6000)]
    rows: list[tuple[object, ...]] = [
        (UUID(int=n), document_id, 1, n + 1, "public", text, [], 0, 9)
        for n, text in enumerate([*filler, "alpha beta gamma"])
    ]
    await pool.copy_records_to_table("chunks", records=rows, columns=_COLUMNS)
    await pool.execute("ANALYZE chunks")

    assert (await texts(pool, await found(words, "alpha beta")))[0] == "alpha beta gamma"
    assert (await texts(pool, await found(words, "alpha gamma")))[0] == "alpha beta gamma"
    assert len(await found(words, "alpha", top_k=50)) == 50


async def test_sizes_are_kept_whoever_writes(shelf: Shelf, pool: asyncpg.Pool) -> None:
    """Added, replaced, moved, deleted: the counts are those of the rows."""
    one = await shelf.add("one two", "three")
    two = await shelf.add("four", collection="mine")
    await shelf.replace(one, "five six seven")
    await pool.execute("UPDATE chunks SET language = 'german', collection = 'yours' WHERE document_id = $1", two)
    await shelf.delete(two, collection="mine")
    await shelf.add("eight", collection="yours")

    kept = await pool.fetch("SELECT * FROM lexical_sizes WHERE chunks <> 0 ORDER BY 1, 2")
    counted = await pool.fetch(
        "SELECT collection, language, count(*) AS chunks, sum(length(lexemes)) AS words"
        " FROM chunks GROUP BY 1, 2 ORDER BY 1, 2"
    )
    assert [tuple(row) for row in kept] == [tuple(row) for row in counted] != []
