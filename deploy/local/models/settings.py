"""What the local model endpoint can be told."""

import os

from pydantic import Field, FilePath

from libs.config import ProcessSettings


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class ModelsSettings(ProcessSettings):
    """The models and the room they may take."""

    models_threads: int = Field(default_factory=_cores, ge=1, le=256, description="Cores one run of a model may use")
    models_cached_sentences: int = Field(
        8192, ge=0, le=1_000_000, description="Sentence embeddings the extractive model keeps, at 1.6 KB each"
    )
    models_context_tokens: int = Field(
        8192, ge=512, le=1_000_000, description="Context of one answer of the GGUF model, prompt included"
    )
    models_parallel_answers: int = Field(2, ge=1, le=64, description="Answers the GGUF model writes at the same time")
    llm_gguf: FilePath | None = Field(
        None, description="A GGUF file to answer with; without it answers are extracted from the passages"
    )
