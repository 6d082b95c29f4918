"""What stops the start, and what it says."""

import asyncio
import os
import sys
from pathlib import Path

import pytest


async def start(**environment: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "deploy.local.models",
        env={"PATH": os.environ["PATH"], "PORT": "0", **environment},
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(30):
            _, said = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, said.decode()


async def test_a_missing_model_file_stops_the_start() -> None:
    """The message names the variable."""
    code, said = await start(LLM_GGUF="/nowhere/model.gguf")

    assert code == 1
    assert "LLM_GGUF: Path does not point to a file" in said


async def test_a_file_that_cannot_be_loaded_stops_the_start(tmp_path: Path) -> None:
    """Or the missing package does: either way one line says what to do."""
    junk = tmp_path / "junk.gguf"
    junk.write_bytes(b"junk")

    code, said = await start(LLM_GGUF=str(junk))

    assert code == 1
    assert said.startswith("Cannot start: LLM_GGUF")
    assert len(said.strip().splitlines()) == 1


@pytest.mark.parametrize(("name", "value"), [("MODELS_THREADS", "0"), ("MODELS_CACHED_SENTENCES", "many")])
async def test_a_bad_setting_is_named(name: str, value: str) -> None:
    """As for every process."""
    code, said = await start(**{name: value})

    assert code == 1
    assert f"{name}: " in said
