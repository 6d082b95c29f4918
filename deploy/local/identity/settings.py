"""Settings of the local identity provider; the defaults are the ones the local run uses."""

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import SettingsConfigDict

from deploy.local.identity.passwords import policy_breach
from libs.config import Settings


class LocalIdentitySettings(Settings):
    """Where it keeps its state, and the ids that its tokens carry."""

    model_config = SettingsConfigDict(env_prefix="IDENTITY_", frozen=True, extra="ignore", env_ignore_empty=True)

    dir: Path = Field(Path(".local/identity"), description="Folder of its users and signing keys")
    public_url: str | None = Field(
        None,
        pattern=r"^https?://[^/?#\s]+$",
        description="Address clients and services reach it at, the base of both issuers; default is HOST and PORT",
    )
    user_pool_id: str = Field("local_eloquent", pattern=r"^[\w-]+_[0-9a-zA-Z]+$", description="Id of the user pool")
    client_id: str = Field("eloquentlocal", pattern=r"^[\w+]{1,128}$", description="Id of the one app client")
    pool_id: str = Field(
        "local:00000000-0000-4000-8000-000000000000",
        pattern=r"^[\w-]{1,18}:[0-9a-f-]{36}$",
        description="Id of the identity pool that guests belong to",
    )
    editor_email: str | None = Field(
        None, pattern=r"^[^@\s]+@[^@\s]+$", max_length=128, description="Email of a user in the group `editors`"
    )
    editor_password: SecretStr | None = Field(
        None, validate_default=True, description="Password of that user; needed with IDENTITY_EDITOR_EMAIL"
    )

    @field_validator("editor_password")
    @classmethod
    def _both_or_neither(cls: type[Self], password: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if (password is None) != (info.data.get("editor_email") is None):
            raise ValueError("goes together with IDENTITY_EDITOR_EMAIL: give both or neither")
        if password is not None and (breach := policy_breach(password.get_secret_value())):
            raise ValueError(breach)
        return password
