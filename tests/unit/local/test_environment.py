"""What the user set wins, the rest is embedded, and a bad setting is named before anything starts."""

import json
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from deploy.local.environment import Composition, compose, validate
from deploy.local.model_choice import choose_chat_model
from deploy.local.ports import plan_ports
from deploy.local.state import Secrets

SECRETS = Secrets(valkey="v", postgres="p", editor="Ab-1editor")


def composed(given: Mapping[str, str], *, first_port: int = 8000) -> Composition:
    return compose(given, ports=plan_ports(first_port), folder=Path("/state"), secrets=SECRETS)


def test_without_settings_everything_is_embedded() -> None:
    """Nothing is needed to run; every address is on the loopback interface, at its place after PORT."""
    composition = composed({}, first_port=9000)

    assert composition.embedded == {"valkey", "postgres", "models", "identity"}
    assert composition.environment["REDIS_URL"] == "redis://:v@127.0.0.1:9006/0"
    assert composition.environment["DATABASE_URL"] == "postgresql://eloquent:p@127.0.0.1:9005/eloquent"
    assert composition.environment["OPENAI_BASE_URL"] == "http://127.0.0.1:9004/v1"
    assert composition.environment["IDENTITY_ENDPOINT"] == "http://127.0.0.1:9003"
    assert composition.environment["BLOB_DIR"] == "/state/blobs"


def test_people_stay_who_they_are_when_the_port_changes() -> None:
    """Ids follow from the issuers, and these from nothing that may change."""
    here, there = composed({}, first_port=8000).environment, composed({}, first_port=9000).environment

    for issuer in ("COGNITO_USER_POOL_ISSUER", "COGNITO_IDENTITY_ISSUER"):
        assert here[issuer] == there[issuer]


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


def test_a_model_file_is_asked_for_by_its_name() -> None:
    """LLM_GGUF alone makes that model answer."""
    assert composed({}).environment["CHAT_MODEL"] == "extractive"
    assert composed({"LLM_GGUF": "models/qwen3-4b.gguf"}).environment["CHAT_MODEL"] == "qwen3-4b"


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


@pytest.fixture
def endpoint() -> Iterator[str]:
    """An OpenAI-compatible endpoint with an embedding model and a language model, as Ollama lists them."""

    class Models(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"data": [{"id": "nomic-embed-text:latest"}, {"id": "llama3.2:latest"}]}).encode()
            self.send_response(200 if self.path == "/v1/models" else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Models) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()


def test_the_model_of_ones_own_endpoint_is_found(endpoint: str) -> None:
    """The first that writes: OPENAI_BASE_URL alone makes Ollama answer."""
    assert choose_chat_model({"OPENAI_BASE_URL": endpoint}) == {"CHAT_MODEL": "llama3.2:latest"}


def test_a_model_that_was_named_is_not_looked_for() -> None:
    """Neither where CHAT_MODEL is set nor where the models are OpenAI's is anybody asked."""
    assert not choose_chat_model({"OPENAI_BASE_URL": "http://127.0.0.1:1/v1", "CHAT_MODEL": "mine"})
    assert not choose_chat_model({"OPENAI_API_KEY": "sk-1"})
    assert not choose_chat_model({"OPENAI_API_KEY": "sk-1", "OPENAI_BASE_URL": "https://api.openai.com/v1"})


def test_an_endpoint_that_does_not_answer_stops_the_start() -> None:
    """The message names what to set."""
    with pytest.raises(SystemExit, match=r"CHAT_MODEL(.|\n)*OPENAI_BASE_URL"):
        choose_chat_model({"OPENAI_BASE_URL": "http://127.0.0.1:1/v1"})
