"""A file that is made to hurt costs one job, which says why; the worker reads on: real processes, real limits."""

from pathlib import Path

import pytest

from ingest_service.parsing.parsed import UnreadableError
from ingest_service.parsing.sandbox import Sandbox
from ingest_service.parsing.sniff import sniff
from ingest_service.parsing.wire import Limits, Rules
from tests.unit.ingest.files import a_docx_with, a_pdf, written

DOCUMENT = "word/document.xml"
LIMITS = Limits(memory_bytes=512 * 1024**2, cpu_seconds=10, wall_seconds=20.0)
COLUMNS = 10_000_000

XML_BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + level, b"&%c;" % (97 + level) * 10) for level in range(12))
    + b"]><w:document xmlns:w='http://schemas.openxmlformats.org/wordprocessingml/2006/main'><w:body><w:p><w:r><w:t>"
    b"&m;</w:t></w:r></w:p></w:body></w:document>"
)


def deep_pdf() -> bytes:
    """A tree of pages in which every page is its own parent."""
    return (
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
        b"2 0 obj<</Type/Pages/Count 1000000/Kids[2 0 R 2 0 R]>>endobj\n"
        b"trailer<</Root 1 0 R/Size 3>>\n%%EOF"
    )


@pytest.mark.parametrize(
    ("name", "content", "codes"),
    [
        ("zip.docx", a_docx_with(DOCUMENT, b" " * 300_000_000), {"unpacks_too_large"}),
        ("entities.docx", a_docx_with(DOCUMENT, XML_BOMB), {"damaged_file", "no_text"}),
        ("deep.pdf", deep_pdf(), {"damaged_file", "only_pictures", "too_demanding", "took_too_long", "crashed"}),
        ("wide.csv", b"a," * COLUMNS, {"too_many_columns"}),
        ("deep.json", b"[" * 5_000_000 + b"]" * 5_000_000, {"damaged_file", "too_demanding", "crashed"}),
    ],
)
async def test_a_bomb_costs_one_job(tmp_path: Path, name: str, content: bytes, codes: set[str]) -> None:
    """It is refused with a reason, at the door or in its process, and the next file is read."""
    bomb, modest = written(tmp_path, name, content), written(tmp_path, "modest.txt", "Hello.")
    rules = Rules(LIMITS, chunk_tokens=64, tokenizer_file=None, embedding_model="any")
    async with Sandbox(rules, concurrency=1) as sandbox:

        async def on_text() -> None:
            """Nobody counts."""

        with pytest.raises(UnreadableError) as refused:
            await sandbox.read(bomb, media_type=sniff(bomb, name), size_bytes=len(content), on_text=on_text)
        _, chunks = await sandbox.read(modest, media_type="text/plain", size_bytes=6, on_text=on_text)

    assert refused.value.code in codes
    assert len(refused.value.message) > 15
    assert [chunk.text for chunk in chunks] == ["Hello."]


@pytest.mark.parametrize("name", ["notes.txt", "notes.md", "notes.csv", "notes.json", "notes.docx"])
@pytest.mark.parametrize("content", [b"\x7fELF\x02\x01\x01\x00" + b"\x00" * 64, a_pdf("text")], ids=["program", "pdf"])
def test_a_wrong_name_makes_no_document(tmp_path: Path, name: str, content: bytes) -> None:
    """What a file is its bytes say; under another name it is refused before anything parses it."""
    with pytest.raises(UnreadableError) as refused:
        sniff(written(tmp_path, name, content), name)

    assert refused.value.code in {"unsupported_media_type", "media_type_mismatch"}
