"""`python -m generation_service`: the worker with its probes."""

from generation_service.settings import (
    ChatSettings,
    GenerationSettings,
    ModelSettings,
    ProcessSettings,
    RedisSettings,
)
from generation_service.wiring import build
from libs.config import load
from libs.llm.prices import PriceSettings
from libs.service.app import serve


def main() -> None:
    """Run until SIGTERM.

    Raises:
        SystemExit: the environment is not complete; the message names every bad variable.
    """
    process, redis, model, chat, generation, prices = load(
        ProcessSettings, RedisSettings, ModelSettings, ChatSettings, GenerationSettings, PriceSettings
    )
    serve(build(redis, model, chat, generation, prices), process)


if __name__ == "__main__":
    main()
