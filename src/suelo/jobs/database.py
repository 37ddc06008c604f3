"""Connecting to SQLite or PostgreSQL, and bringing the tables up to date."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, OperationalError

from suelo.errors import InputError, UnavailableError
from suelo.jobs.folders import make_folder

SCHEMA_VERSION = "0003"
"""Revision of the newest migration."""


def open_database(url: str, *, iam: bool = False, connections: int = 16, up_to_date: bool = True) -> Engine:
    """Connect, and bring the tables up to date.

    Args:
        url: `sqlite:///file` or `postgresql+psycopg://user@host/name`.
        iam: True to sign in to PostgreSQL on Amazon RDS with the credentials of this machine's role.
        connections: Most connections to PostgreSQL at the same time.
        up_to_date: False to leave the tables as they are: whoever set the database up does that.

    Raises:
        InputError: The address is of another kind of database, its driver is not installed, its folder cannot be
            written to, or a newer version of this software has made its tables.
        UnavailableError: The database cannot be reached.
    """
    try:
        backend = make_url(url).get_backend_name()
    except ArgumentError:
        raise InputError(
            "The address of the database is none; sqlite:///file or postgresql+psycopg://user@host/name is needed."
        ) from None
    if backend == "sqlite":
        engine = _sqlite(url)
    elif backend == "postgresql":
        engine = _postgresql(url, connections)
        if iam:
            from suelo.jobs.rds import sign_in_with_iam

            sign_in_with_iam(engine)
    else:
        raise InputError(f"Records are kept in SQLite or PostgreSQL; {backend!r} is neither.")
    if not up_to_date:
        return engine
    try:
        migrate(engine)
    except OperationalError as error:
        said = str(error.orig).strip().partition("\n")[0].rstrip(".")
        raise UnavailableError(f"The database cannot be reached ({said}); Suelo needs it to start.") from error
    return engine


def _sqlite(url: str) -> Engine:
    file = make_url(url).database
    if file and file != ":memory:":
        make_folder(Path(file).parent)
    engine = create_engine(url, connect_args={"timeout": 30})

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: object) -> None:  # noqa: ANN401  (the driver's connection)
        # Transactions are begun below: the driver's own habit begins them too late and never for reads.
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode = WAL")
        # In WAL mode NORMAL stays consistent after a power cut, and does not wait for the disk at each commit.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA busy_timeout = 30000")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A transaction that reads first and writes later fails at once if another wrote in between, whatever the
        # timeout; taking the write lock at the start makes it wait for its turn instead.
        read_only = connection.get_execution_options().get("suelo_read_only", False)
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def _postgresql(url: str, connections: int) -> Engine:
    kept = (connections + 1) // 2
    # Statements that a session prepares tie it to one connection of a pooler such as RDS Proxy or PgBouncer.
    arguments = {"prepare_threshold": None, "connect_timeout": 10}
    try:
        return create_engine(
            url, pool_pre_ping=True, pool_size=kept, max_overflow=connections - kept, connect_args=arguments
        )
    except ModuleNotFoundError as error:
        raise InputError(
            f"PostgreSQL needs the driver {error.name!r}; in Suelo's source folder: pip install '.[postgres]'."
        ) from None


def migrate(engine: Engine) -> None:
    """Bring the tables of a database up to date; quick when they are.

    Raises:
        InputError: A newer version of this software has made them.
    """
    found = _version(engine)
    if found == SCHEMA_VERSION:
        return
    if found is not None and found > SCHEMA_VERSION:
        raise InputError(
            f"The tables of the database are of version {found}, this version of Suelo knows them up to "
            f"{SCHEMA_VERSION}: a newer one is needed."
        )
    # Alembic takes longer to import than a chip to segment.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            # Servers that start together take turns.
            connection.execute(text("SELECT pg_advisory_xact_lock(7304210)"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _version(engine: Engine) -> str | None:
    with engine.connect().execution_options(suelo_read_only=True) as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        version: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        return version
