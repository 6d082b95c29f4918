"""What the user set wins, the rest is embedded, and a bad setting is named before anything starts."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from deploy.local.environment import Composition, compose, validate
from deploy.local.ports import plan_ports
from deploy.local.state import Secrets

SECRETS = Secrets(valkey="v", postgres="p", editor="Ab-1e")


def composed(given: Mapping[str, str], *, first_port: int = 8000) -> Composition:
    return compose(given, ports=plan_ports(first_port), folder=Path("/state"), secrets=SECRETS)


def test_without_settings_everything_is_embedded() -> None:
    """Nothing is needed to run; every address is on the loopback interface, at its place after PORT."""
    composition = composed({}, first_port=9000)

    assert composition.embedded == {"valkey", "postgres", "models", "identity"}
    assert composition.environment["REDIS_URL"] == "redis://:v@127.0.0.1:9006/0"
    assert composition.environment["DATABASE_URL"] == "postgresql://eloquent:p@127.0.0.1:9005/eloquent"
    assert composition.environment["OPENAI_BASE_URL"] == "http://127.0.0.1:9004/v1"
    assert composition.environment["COGNITO_IDENTITY_ISSUER"] == "http://127.0.0.1:9003"
    assert composition.environment["BLOB_DIR"] == "/state/blobs"


@pytest.mark.parametrize(
    ("given", "replaced"),
    [
        ({"REDIS_URL": "redis://elsewhere"}, "valkey"),
        ({"DATABASE_URL": "postgresql://elsewhere/db"}, "postgres"),
        ({"OPENAI_API_KEY": "sk-1"}, "models"),
        ({"COGNITO_USER_POOL_ISSUER": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_a"}, "identity"),
    ],
)
def test_a_setting_of_a_real_part_replaces_the_embedded_one(given: dict[str, str], replaced: str) -> None:
    """One setting is enough; the other parts stay embedded, and what was given reaches the services."""
    composition = composed(given)

    assert {"valkey", "postgres", "models", "identity"} - composition.embedded == {replaced}
    assert given.items() <= composition.environment.items()


def test_the_real_openai_gets_its_own_defaults() -> None:
    """The embedded models' names and address are not sent to OpenAI."""
    environment = composed({"OPENAI_API_KEY": "sk-1"}).environment

    assert not {"OPENAI_BASE_URL", "EMBEDDING_MODEL", "EMBEDDING_DIMENSIONS", "CHAT_MODEL"} & environment.keys()


def test_an_endpoint_without_a_key_gets_a_placeholder() -> None:
    """Ollama and vLLM ask for none, the client library does."""
    environment = composed({"OPENAI_BASE_URL": "http://127.0.0.1:11434/v1"}).environment

    assert environment["OPENAI_BASE_URL"] == "http://127.0.0.1:11434/v1"
    assert environment["OPENAI_API_KEY"]


def test_an_endpoint_that_is_not_told_to_embed_leaves_embedding_to_the_local_models() -> None:
    """Ollama or vLLM with a language model alone is enough to run."""
    composition = composed({"OPENAI_BASE_URL": "http://127.0.0.1:11434/v1", "CHAT_MODEL": "llama"})

    assert "models" in composition.embedded
    for service in ("retrieval", "ingest-worker"):
        environment = composition.environment_of(service)
        assert environment["OPENAI_BASE_URL"] == "http://127.0.0.1:8004/v1"
        assert environment["EMBEDDING_MODEL"] == "all-minilm-l6-v2"
        assert environment["EMBEDDING_DIMENSIONS"] == "384"
    assert composition.environment_of("generation")["OPENAI_BASE_URL"] == "http://127.0.0.1:11434/v1"


def test_an_endpoint_that_is_told_to_embed_does_so() -> None:
    """With EMBEDDING_MODEL the one endpoint does everything."""
    given = {"OPENAI_BASE_URL": "http://there/v1", "EMBEDDING_MODEL": "nomic-embed-text", "EMBEDDING_DIMENSIONS": "768"}
    composition = composed(given)

    assert "models" not in composition.embedded
    assert composition.environment_of("retrieval")["OPENAI_BASE_URL"] == "http://there/v1"


def test_an_empty_variable_is_no_setting() -> None:
    """`REDIS_URL=` in a shell or in `.env` means the embedded one."""
    assert composed({"REDIS_URL": ""}).embedded == composed({}).embedded


def test_every_bad_variable_is_named_at_once() -> None:
    """One message has the variables of all services, so that nobody mends them one by one."""
    environment = dict(composed({"DATABASE_URL": "mysql://wrong", "RETRIEVAL_TOP_K": "many"}).environment)
    environment["COGNITO_CLIENT_ID"] = ""

    with pytest.raises(SystemExit) as stopped:
        validate(environment)

    assert all(name in str(stopped.value) for name in ("DATABASE_URL", "RETRIEVAL_TOP_K", "COGNITO_CLIENT_ID"))


def test_the_embedded_environment_is_valid_for_every_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run without settings starts, whatever the shell of the person who checks it has set."""
    monkeypatch.setenv("REDIS_URL", "")
    monkeypatch.setenv("LOG_LEVEL", "nonsense")

    validate(composed({}).environment)
