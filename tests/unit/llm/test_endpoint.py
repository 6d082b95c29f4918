"""The vendor's errors mean one of three things to us."""

import httpx2
import openai
import pytest

from libs.errors import PermanentError, TransientError
from libs.llm.endpoint import Endpoint, retry_after, translated

REQUEST = httpx2.Request("POST", "http://127.0.0.1/v1/chat/completions")


def status_error(status: int, code: str | None = None, headers: dict[str, str] | None = None) -> openai.APIStatusError:
    response = httpx2.Response(status, request=REQUEST, headers=headers)
    return openai.APIStatusError("the question was: secret", response=response, body={"code": code})


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 529])
def test_what_may_pass_is_transient(status: int) -> None:
    """And says nothing of what was asked."""
    error = translated(status_error(status))

    assert isinstance(error, TransientError)
    assert "secret" not in str(error)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
def test_what_stays_is_permanent(status: int) -> None:
    """A wrong key, model or request is wrong tomorrow too."""
    assert isinstance(translated(status_error(status, "context_length_exceeded")), PermanentError)


def test_an_empty_account_is_permanent() -> None:
    """It comes as a 429, but waiting does not fill it."""
    assert isinstance(translated(status_error(429, "insufficient_quota")), PermanentError)


def test_the_wait_that_is_asked_for_is_passed_on() -> None:
    """In seconds."""
    error = translated(status_error(429, headers={"retry-after": "2.5"}))

    assert isinstance(error, TransientError)
    assert error.retry_after_seconds == 2.5


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, None), ("", None), ("soon", None), ("-1", None), ("3", 3.0), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0)],
)
def test_retry_after_in_all_its_forms(header: str | None, seconds: float | None) -> None:
    """Seconds, a date that may have passed, or nonsense."""
    assert retry_after(header) == seconds


@pytest.mark.parametrize("error", [openai.APIConnectionError(request=REQUEST), openai.APITimeoutError(REQUEST)])
def test_a_broken_line_is_transient(error: openai.OpenAIError) -> None:
    """Whatever broke it."""
    assert isinstance(translated(error), TransientError)


@pytest.mark.parametrize(
    ("base_url", "known"),
    [
        ("https://api.openai.com/v1", True),
        ("https://eu.api.openai.com/v1", True),
        ("https://us.openai.azure.com/openai/v1", True),
        ("http://127.0.0.1:11434/v1", False),
        ("https://notopenai.com/v1", False),
    ],
)
def test_openai_itself_is_known_by_its_host(base_url: str, *, known: bool) -> None:
    """Others that speak like it limit answers by another name."""
    assert Endpoint(api_key="k", base_url=base_url).is_openai is known
