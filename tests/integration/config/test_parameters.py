"""Settings from Parameter Store, as moto plays it: for processes that ECS does not start."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws
from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from libs.config import Settings, load

PATH = "/eloquent/test/settings"


class OrderSettings(Settings):
    """As a service declares them."""

    model_config = SettingsConfigDict(env_prefix="ORDER_")

    key: SecretStr = Field(description="A secret")
    size: int = Field(ge=1, description="A number")
    names: tuple[str, ...] = Field((), description="Some words")
    note: str = Field("none", description="With a default")


@pytest.fixture(scope="module")
def ssm() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_DEFAULT_REGION", "eu-central-1")
        # To begin with it takes seconds.
        with mock_aws():
            yield boto3.client("ssm")


@pytest.fixture
def store(ssm: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A client of an empty Parameter Store, which processes are told to read."""
    monkeypatch.setenv("SETTINGS_PATH", PATH)
    while found := ssm.get_parameters_by_path(Path="/", Recursive=True)["Parameters"]:
        ssm.delete_parameters(Names=[parameter["Name"] for parameter in found])
    return ssm


def put(store: Any, **parameters: str) -> None:
    for name, value in parameters.items():
        kind = "SecureString" if name.endswith("KEY") else "String"
        store.put_parameter(Name=f"{PATH}/{name}", Value=value, Type=kind, Overwrite=True)


def test_what_the_environment_has_not_is_read_from_the_path(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Secrets are decrypted, values parsed; the environment comes first, and of pages none is left out."""
    put(store, ORDER_KEY="s3cret", ORDER_SIZE="3", ORDER_NAMES='["a", "b"]', ORDER_NOTE="stored")
    put(store, **{f"OTHERS_{number}": "x" for number in range(12)})
    store.put_parameter(Name=f"{PATH}/deeper/ORDER_NOTE", Value="not this one", Type="String")
    monkeypatch.setenv("ORDER_SIZE", "4")

    [order] = load(OrderSettings)

    assert order.key.get_secret_value() == "s3cret"
    assert (order.size, order.names, order.note) == (4, ("a", "b"), "stored")


def test_all_that_is_missing_or_wrong_is_named_at_once(store: Any) -> None:
    """And where it was looked for; never a value."""
    put(store, ORDER_SIZE="-17", ORDER_NAMES="not json")

    with pytest.raises(SystemExit) as refused:
        load(OrderSettings)

    message = str(refused.value)
    assert PATH in message
    for name in ("ORDER_KEY: is missing", "ORDER_SIZE: ", "ORDER_NAMES: "):
        assert name in message
    assert "-17" not in message
    assert "not json" not in message


@pytest.mark.parametrize("path", ["/eloquent/nothing/here", "/eloquent/test/setting"])
def test_a_path_with_nothing_below_it_stops_the_start(store: Any, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """It is a mistake rather than a wish for defaults."""
    put(store, ORDER_KEY="s3cret", ORDER_SIZE="3")
    monkeypatch.setenv("SETTINGS_PATH", path)
    monkeypatch.setenv("ORDER_KEY", "k")
    monkeypatch.setenv("ORDER_SIZE", "1")

    with pytest.raises(SystemExit, match=f"below {path} cannot be read: there is nothing below it"):
        load(OrderSettings)


def test_a_path_that_is_none_is_named_with_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is asked for it."""
    monkeypatch.setenv("SETTINGS_PATH", "eloquent")

    with pytest.raises(SystemExit, match="SETTINGS_PATH: ") as refused:
        load(OrderSettings)

    assert "ORDER_KEY: is missing" in str(refused.value)


def test_without_a_region_the_start_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not with a page of traces."""
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("SETTINGS_PATH", PATH)

    with pytest.raises(SystemExit, match="cannot be read: You must specify a region"):
        load(OrderSettings)


def test_what_was_read_is_not_kept(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings that are made later, without being loaded, do not have it by chance."""
    put(store, ORDER_KEY="s3cret", ORDER_SIZE="3", ORDER_NOTE="stored")
    load(OrderSettings)

    assert OrderSettings(key=SecretStr("k"), size=1).note == "none"
