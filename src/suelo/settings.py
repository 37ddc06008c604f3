"""Settings from the environment: every `SUELO_*` variable is a field of one class."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from platformdirs import user_data_path
from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from suelo.errors import InputError


class Settings(BaseSettings):
    """What an operator can set; each field is the environment variable `SUELO_<FIELD>`.

    An empty variable is one that is not set, but for those of the background map, where empty means none.

    Attributes:
        home: Folder for results where `store` and `database` do not say otherwise.
        store: Where objects are kept: `file:///folder` or `s3://bucket/prefix`.
        database: Where records are kept: an SQLAlchemy address.
        database_iam: Sign in to PostgreSQL on Amazon RDS with the credentials of the machine's role, not a password.
        database_connections: Most connections to PostgreSQL that a process opens.
        database_migrate: Bring the tables up to date at start; off where somebody else does that.
        queue: Address of an Amazon SQS queue that announces jobs to workers elsewhere; without one, this process's own
            workers take them.
        handover_s: A worker whose time is limited hands a scene to the next one so many seconds before the limit.
        model: Model file instead of the one in the package, or the word `flips` or `int8` for another form of that.
        threads: Threads that run the network; all cores by default.
        provider: Execution provider of ONNX Runtime that runs the network, as in `cuda`; by default OpenVINO does, on
            the CPU.
        max_upload_mb: Largest image that the page and `/v1/uploads` take, in megabytes.
        cache_mb: Room for files that can be made again: exports, and copies of objects that are in S3, in megabytes.
        max_direct_pixels: Largest image that is segmented while the request waits, in pixels.
        presign: Let clients send images to S3 and fetch results from there themselves, by addresses that hold for an
            hour; they must be able to reach the S3 server.
        retention_days: Results that were finished longer ago are deleted; 0 keeps them for ever.
        max_scene_pixels: Largest image that is segmented at all, in pixels.
        auth: "none": a cookie tells visitors apart; "token": everybody signs in with a token that `suelo user add`
            prints; "gateway": an API gateway in front has checked who it is.
        basemap_url: Tile address of an optional background map, with {z}, {x} and {y}; empty for none.
        basemap_attribution: Credit for the background map.
        log_level: DEBUG, INFO, WARNING or ERROR.
    """

    model_config = SettingsConfigDict(env_prefix="SUELO_", extra="ignore")

    home: Path = Field(default_factory=lambda: user_data_path("suelo"))
    store: str = ""
    database: str = ""
    database_iam: bool = False
    database_connections: int = Field(default=16, gt=0)
    database_migrate: bool = True
    queue: str = ""
    handover_s: float = Field(default=90, ge=0)
    model: Path | None = None
    threads: int = Field(default=0, ge=0)
    provider: str = ""
    max_upload_mb: int = Field(default=8192, gt=0)
    cache_mb: int = Field(default=4096, gt=0)
    max_direct_pixels: int = Field(default=1024 * 1024, gt=0)
    presign: bool = False
    retention_days: float = Field(default=0, ge=0)
    max_scene_pixels: int = Field(default=4_000_000_000, gt=0)
    auth: Literal["none", "token", "gateway"] = "none"
    basemap_url: str = "https://tile.openstreetmap.org/{z}/{x}/{y}.png"
    basemap_attribution: str = "© OpenStreetMap contributors"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, given: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in given.items() if value != "" or name.startswith("basemap_")}

    @property
    def store_url(self) -> str:
        """Address of the object store; a folder under `home` by default."""
        return self.store or (self.home.expanduser().resolve() / "objects").as_uri()

    @property
    def database_url(self) -> str:
        """Address of the database; an SQLite file under `home` by default."""
        return self.database or f"sqlite:///{self.home.expanduser().resolve() / 'suelo.sqlite'}"


def read_settings() -> Settings:
    """The settings of the environment.

    Raises:
        InputError: A variable has a value that it cannot have.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        variable = f"SUELO_{first['loc'][0]}".upper()
        raise InputError(f"The variable {variable} cannot be {first['input']!r}: {first['msg']}.") from None
