"""A bad environment is refused with the names of its variables."""

import pytest

from libs.config import load
from retrieval_service.settings import KnowledgeSettings, RetrievalSettings


def test_half_a_pinecone_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Key and host belong together: with one of them the start stops and says which are meant."""
    monkeypatch.setenv("PINECONE_API_KEY", "key")
    monkeypatch.delenv("PINECONE_INDEX_HOST", raising=False)

    with pytest.raises(SystemExit, match="PINECONE_API_KEY and PINECONE_INDEX_HOST"):
        load(KnowledgeSettings)


def test_every_bad_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retrieval's own variables have its prefix, shared ones have none."""
    monkeypatch.setenv("RETRIEVAL_TOP_K", "0")
    monkeypatch.setenv("EMBEDDING_DIMENSIONS", "many")

    with pytest.raises(SystemExit) as refusal:
        load(KnowledgeSettings, RetrievalSettings)

    assert "RETRIEVAL_TOP_K" in str(refusal.value)
    assert " EMBEDDING_DIMENSIONS" in str(refusal.value)


def test_every_setting_says_what_it_is() -> None:
    """The example environment is generated from these descriptions."""
    fields = [field for kind in (KnowledgeSettings, RetrievalSettings) for field in kind.model_fields.values()]
    assert all(field.description for field in fields)
