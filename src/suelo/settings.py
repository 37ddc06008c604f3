"""Settings from the environment: every `SUELO_*` variable is a field of one class."""

from __future__ import annotations

from pathlib import Path

from platformdirs import user_data_path
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What an operator can set; each field is the environment variable `SUELO_<FIELD>`.

    Attributes:
        home: Folder for results where `store` and `database` do not say otherwise.
        store: Where objects are kept: `file:///folder` or `s3://bucket/prefix`.
        database: Where records are kept: an SQLAlchemy address.
        model: Model file instead of the one in the package.
        threads: Threads that run the network; all cores by default.
        max_upload_mb: Largest image that the page and `/v1/uploads` take, in megabytes.
        cache_mb: Room for files that can be made again: exports, and copies of objects that are in S3, in megabytes.
        max_direct_pixels: Largest image that is segmented while the request waits, in pixels.
        basemap_url: Tile address of an optional background map, with {z}, {x} and {y}; empty for none.
        basemap_attribution: Credit for the background map.
        log_level: DEBUG, INFO, WARNING or ERROR.
    """

    model_config = SettingsConfigDict(env_prefix="SUELO_", extra="ignore")

    home: Path = Field(default_factory=lambda: user_data_path("suelo"))
    store: str = ""
    database: str = ""
    model: Path | None = None
    threads: int = Field(default=0, ge=0)
    max_upload_mb: int = Field(default=8192, gt=0)
    cache_mb: int = Field(default=4096, gt=0)
    max_direct_pixels: int = Field(default=1024 * 1024, gt=0)
    basemap_url: str = "https://tile.openstreetmap.org/{z}/{x}/{y}.png"
    basemap_attribution: str = "© OpenStreetMap contributors"
    log_level: str = "INFO"

    @property
    def store_url(self) -> str:
        """Address of the object store; a folder under `home` by default."""
        return self.store or (self.home.expanduser().resolve() / "objects").as_uri()

    @property
    def database_url(self) -> str:
        """Address of the database; an SQLite file under `home` by default."""
        return self.database or f"sqlite:///{self.home.expanduser().resolve() / 'suelo.sqlite'}"
