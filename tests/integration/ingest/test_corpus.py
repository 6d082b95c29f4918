"""Whatever file comes: read, or refused with a reason; nothing hangs, and the parser server lives on.

This is a sample; `python -m tests.corpus` reads 300 files and everything in `bombs`.
"""

from pathlib import Path

import pytest

from ingest_service.parsing.sandbox import Sandbox
from ingest_service.parsing.wire import Limits, Rules
from tests.corpus.bombs import BOMBS
from tests.corpus.corpus import Sample, fates, samples

RULES = Rules(Limits(cpu_seconds=10, wall_seconds=30), chunk_tokens=200, tokenizer_file=None, embedding_model="any")
QUICK = ("sparse.xlsx", "zeros.docx", "laughs.docx", "outward.docx", "deep.docx", "circular.pdf", "deep_objects.json")


@pytest.mark.parametrize("seed", [1, 2])
async def test_every_file_is_read_or_refused_with_a_reason(tmp_path: Path, seed: int) -> None:
    """Honest ones are read, of the others each is told what is wrong; never an error that would be tried again."""
    async with Sandbox(RULES, concurrency=1) as sandbox:
        found = [fate async for fate in fates(samples(48, seed=seed), sandbox, folder=tmp_path)]

    assert len(found) == 48
    for fate in found:
        told = fate.chunks > 0 or (fate.message.endswith(".") and len(fate.message) > 20 and fate.code != "crashed")
        assert told, fate.sample.history
    assert [fate.message for fate in found if fate.sample.history == "honest" and fate.code] == []


async def test_bombs_cost_one_file_each(tmp_path: Path) -> None:
    """Each is refused, and the honest file after each is read by the same server."""
    honest = Sample("note.txt", b"Hello.", "honest")
    files = [file for name in QUICK for file in (Sample(name, BOMBS[name](), "bomb"), honest)]
    async with Sandbox(RULES, concurrency=1) as sandbox:
        found = [fate async for fate in fates(files, sandbox, folder=tmp_path)]

    assert [fate.sample.name for fate in found[::2] if not fate.code] == []
    assert [fate.chunks for fate in found[1::2]] == [1] * len(QUICK)
