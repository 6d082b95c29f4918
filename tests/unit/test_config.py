"""A bad environment is refused as a whole, by the names of its variables."""

import pytest

from libs.config import ModelSettings, RedisSettings, load


def test_every_bad_variable_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing and wrong ones of several kinds of settings, in one message without their values."""
    monkeypatch.setenv("REDIS_URL", "ftp://user:secret@somewhere")
    monkeypatch.setenv("BUS_PARTITIONS", "none")
    monkeypatch.setenv("OPENAI_BASE_URL", "somewhere")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)

    with pytest.raises(SystemExit) as refused:
        load(RedisSettings, ModelSettings)

    message = str(refused.value)
    for name in ("REDIS_URL", "BUS_PARTITIONS", "OPENAI_BASE_URL", "OPENAI_API_KEY: is missing"):
        assert name in message
    assert "secret" not in message


@pytest.mark.parametrize("url", ["redis://h", "rediss://:p@h:6380/0", "unix:///run/valkey.sock"])
def test_every_way_to_redis_is_taken(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Plain, TLS, and a socket."""
    monkeypatch.setenv("REDIS_URL", url)

    [settings] = load(RedisSettings)

    assert settings.redis_url == url
