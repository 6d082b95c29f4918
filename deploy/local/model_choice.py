"""Which model of one's own endpoint writes, when nobody said: Ollama and vLLM tell what they have."""

import re
from collections.abc import Mapping

import httpx

from deploy.local.client import is_local
from deploy.local.environment import has_own_endpoint

TIMEOUT_SECONDS = 5.0
_DOES_NOT_WRITE = re.compile(r"embed|minilm|\bbge|\be5\b|\bgte|rerank|whisper|tts|moderation", re.IGNORECASE)


def choose_chat_model(given: Mapping[str, str]) -> dict[str, str]:
    """`CHAT_MODEL`, the endpoint's first model that writes; nothing where it was given or has a default.

    Raises:
        SystemExit: the endpoint does not tell; the message names what to set.
    """
    if given.get("CHAT_MODEL") or not has_own_endpoint(given):
        return {}
    base = given["OPENAI_BASE_URL"].rstrip("/")
    headers = {"authorization": f"Bearer {given['OPENAI_API_KEY']}"} if given.get("OPENAI_API_KEY") else {}
    try:
        with httpx.Client(trust_env=not is_local(base), timeout=TIMEOUT_SECONDS) as http:
            response = http.get(f"{base}/models", headers=headers)
            names = [str(model["id"]) for model in response.raise_for_status().json()["data"]]
        return {"CHAT_MODEL": next(name for name in names if not _DOES_NOT_WRITE.search(name))}
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError, StopIteration) as error:
        raise SystemExit(
            "Cannot start, these environment variables need attention:\n"
            f"  CHAT_MODEL: is missing, and {base}/models does not tell one ({type(error).__name__})\n"
            "  OPENAI_BASE_URL: is it right, and does the endpoint run?"
        ) from error
