"""Settings of the embedded run itself and of its terminal clients; from the environment or `.env`."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from deploy.local.ports import HIGHEST_PORT, LAST_OFFSET
from deploy.local.state import ROOT
from libs.config import Settings

ENV_FILE = ROOT / ".env"


class LocalSettings(Settings):
    """What a person can say about a run."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, env_file=ENV_FILE)

    port: int = Field(
        8000,
        ge=1,
        le=HIGHEST_PORT - LAST_OFFSET,
        description=f"Port of the front door; the other processes take those up to {LAST_OFFSET} above it",
    )
    local_dir: Path = Field(ROOT / ".local", description="Folder for the data and passwords of an embedded run")
    log_format: str = Field(
        "auto", pattern="^(auto|text|json)$", description="How a run shows its log: for people, as JSON, or by terminal"
    )
    sample_knowledge: bool = Field(True, description="Load the sample knowledge base into the public collection")
    web_page: bool = Field(True, description="Build the web page when its sources have changed")
    eloquent_url: str | None = Field(
        None, pattern="^https?://", description="Address the terminal clients speak to, when it is not the local run"
    )

    @property
    def url(self) -> str:
        """Where the terminal clients find the gateway."""
        return (self.eloquent_url or f"http://127.0.0.1:{self.port}").rstrip("/")
