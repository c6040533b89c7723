"""The environment, read once at start and frozen. Secrets of CRMs are not here: a portal file names them as `${NAME}`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from sync_worker.errors import ConfigError, Mistake, Place

PREFIX = "SYNC_WORKER_"


class Settings(BaseSettings):
    """Every variable begins with `SYNC_WORKER_`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    database_url: str = Field(default="sqlite:///sync-worker.db", pattern=r"^(sqlite|postgresql(\+psycopg)?)://")
    redis_url: str | None = Field(default=None, pattern=r"^(rediss?|unix)://")
    config_dir: Path = Path("config")
    mappings_dir: Path = Path("mappings")
    files_url: str = Field(default="file:files", pattern=r"^(file|s3):")  # agreements; see docs/distributors.md
    smtp_url: SecretStr | None = None  # smtp://user:password@host:587; without it mail waits
    mail_from: str = Field(default="sync-worker <sync-worker@localhost>", pattern=r"^[^@<>\r\n]*<?[^@<>\s]+@[^@<>\s]+>?$")
    http_host: str = "127.0.0.1"
    http_port: int = Field(default=8080, ge=0, le=65535)
    public_url: str | None = Field(default=None, pattern=r"^https?://[^/?#\s]+(/[^/?#\s]+)*$")  # what HubSpot signs; no slash at the end
    metrics_port: int | None = Field(default=None, ge=1, le=65_000)  # the first of those that the processes of one machine share
    log_format: Literal["console", "json"] = "console"


def read_settings() -> Settings:
    """The settings of this process. **Raises** ConfigError naming each wrong variable, its value and what is allowed."""
    try:
        return Settings()
    except ValidationError as error:
        raise ConfigError([_mistake(dict(detail)) for detail in error.errors()]) from None


def _mistake(detail: dict[str, object]) -> Mistake:
    location = detail["loc"]
    name = PREFIX + str(location[0] if isinstance(location, tuple) and location else "").upper()
    return Mistake(Place("environment", 1, 1), name, f"{detail['input']!r} does not fit", str(detail["msg"]))
