"""What a person reads when everything runs: where it is, what is embedded, and how to ask."""

import shlex

from deploy.local.environment import Composition
from deploy.local.log_lines import Log
from deploy.local.settings import LocalSettings

_REAL = {
    "valkey": "the Redis of REDIS_URL",
    "postgres": "the database of DATABASE_URL",
    "models": "the models of OPENAI_BASE_URL",
    "identity": "the Cognito of COGNITO_USER_POOL_ISSUER",
}
_EMBEDDED = {
    "valkey": "Valkey from a wheel (REDIS_URL takes another)",
    "postgres": "PostgreSQL with pgvector from a wheel (DATABASE_URL)",
    "models": "small local models (OPENAI_API_KEY, OPENAI_BASE_URL)",
    "identity": "a local issuer in Cognito's shape (COGNITO_USER_POOL_ISSUER and others)",
}


def show(log: Log, settings: LocalSettings, composition: Composition, *, seconds: float) -> None:
    """The banner for a person, one line with the same facts for a program."""
    environment = composition.environment
    address = f"http://127.0.0.1:{settings.port}"
    models = f"{environment.get('CHAT_MODEL', 'default')} and {environment.get('EMBEDDING_MODEL', 'default')}"
    if log.raw:
        log.say("ready", url=address, seconds=round(seconds, 1), embedded=sorted(composition.embedded))
        return
    port = "" if settings.port == LocalSettings.model_fields["port"].default else f"PORT={settings.port} "
    parts = [
        f"  {_EMBEDDED[part] if part in composition.embedded else _REAL[part]}"
        for part in ("valkey", "postgres", "models", "identity")
    ]
    editor = ""
    if "identity" in composition.embedded:
        email = environment["IDENTITY_EDITOR_EMAIL"]
        editor = f"  editor     {email}, password in {settings.local_dir / 'secrets.json'}\n"
    log.plain(
        f"""
Eloquent is ready after {seconds:.1f} s.

  open       {address}   (API: {address}/docs, WebSocket: {address.replace("http", "ws")}/v1/chat)
  data       {settings.local_dir}
  models     {models}
{editor}
  {port}make ask Q={shlex.quote("How long does a transfer take?")}
  {port}make upload FILES=handbook.pdf

Running on:
{chr(10).join(parts)}
Ctrl-C stops everything.
"""
    )
