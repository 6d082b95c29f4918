"""The composition root: which model answers, and what is loaded for it."""

from fastapi import FastAPI

from deploy.local.models.api import embeds, models_router
from deploy.local.models.embedding import Embedder
from deploy.local.models.extractive import ExtractiveModel
from deploy.local.models.gguf import GgufModel, load_gguf
from deploy.local.models.minilm import MiniLm, installed_weights
from deploy.local.models.refusals import install_refusals
from deploy.local.models.settings import ModelsSettings
from libs.service.app import build_app
from libs.service.health import Health


def create_app(settings: ModelsSettings) -> FastAPI:
    """The endpoint with its models loaded.

    Raises:
        PermanentError: weights or a package are missing or not what they should be; it says what to do.
    """
    model = MiniLm(installed_weights(), threads=settings.models_threads)
    embedder = Embedder(model)
    answers: ExtractiveModel | GgufModel
    if settings.llm_gguf is None:
        answers = ExtractiveModel(embedder, model, cached_sentences=settings.models_cached_sentences)
    else:
        parallel = settings.models_parallel_answers
        server = load_gguf(
            settings.llm_gguf,
            threads=settings.models_threads,
            context_tokens=settings.models_context_tokens,
            parallel_answers=parallel,
        )
        answers = GgufModel(server, name=settings.llm_gguf.stem, parallel_answers=parallel)
    app = build_app(
        "models",
        title="Local models",
        health=Health(checks={"embeddings": embeds(embedder)}),
        resources=[embedder, answers] if isinstance(answers, GgufModel) else [embedder],
        routers=[models_router(embedder, [answers])],
        # Its routes say it, in OpenAI's form.
        own_body_limits=None,
    )
    install_refusals(app)
    return app
