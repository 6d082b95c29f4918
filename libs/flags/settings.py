"""Where a process finds its flags."""

from pathlib import Path

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import SettingsConfigDict

from libs.config import WEB_ADDRESS, Settings


class FlagSettings(Settings):
    """The store of feature flags; without one every flag has its default."""

    model_config = SettingsConfigDict(env_prefix="FLAGS_")

    file: Path | None = Field(None, description="A JSON document of flags, such as docs/flags.example.json")
    url: str | None = Field(
        None,
        pattern=WEB_ADDRESS,
        description="Where the AppConfig agent has that document: http://localhost:2772/applications/<application>"
        "/environments/<environment>/configurations/<profile>",
    )
    refresh_seconds: float = Field(3.0, gt=0, le=10, description="How often the store is looked at")

    @field_validator("url")
    @classmethod
    def _is_one(cls, url: str | None, info: ValidationInfo) -> str | None:
        if url is not None and info.data.get("file") is not None:
            raise ValueError("set FLAGS_FILE or FLAGS_URL, not both")
        return url
