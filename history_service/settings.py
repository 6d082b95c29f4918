"""What can be set, and why one would."""

from typing import Literal

from pydantic import Field, PostgresDsn
from pydantic_settings import SettingsConfigDict

from libs.config import Settings

ShareViewers = Literal["anyone", "users"]
"""Who may open links: guests too, or users alone. Nobody does without a token."""


class HistorySettings(Settings):
    """History's own settings; addresses and issuers are in the shared ones."""

    model_config = SettingsConfigDict(env_prefix="HISTORY_")

    concurrency: int = Field(32, ge=1, le=500, description="Events of each kind a worker handles at once")
    past_turns: int = Field(10, ge=0, le=100, description="Earlier turns a new turn carries at most")
    past_characters: int = Field(12_000, ge=0, le=200_000, description="Characters of them it carries at most")
    sweep_seconds: float = Field(5.0, gt=0, le=300, description="Time between two looks for turns that stand still")
    silent_seconds: float = Field(
        30.0, gt=0, le=3600, description="A turn whose log stood still for so long is opened again"
    )
    max_reopenings: int = Field(5, ge=0, le=100, description="Times a turn is opened again before it has failed")
    undo_seconds: float = Field(
        3600.0, ge=0, le=30 * 86_400, description="How long a deleted session can be restored before it is forgotten"
    )
    keys_per_user: int = Field(
        50, ge=0, le=10_000, description="API keys of an account, those that were valid in the last 31 days included"
    )
    share_viewers: ShareViewers = Field(
        "anyone", description="Who may open shared sessions: `anyone` with a token, guests too, or `users` alone"
    )
    reader_database_url: PostgresDsn | None = Field(
        None, description="postgresql:// address of a replica that serves lists; the writer serves them without it"
    )
