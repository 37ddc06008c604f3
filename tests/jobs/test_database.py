"""Migrations and connections."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

import suelo.jobs
from suelo.errors import InputError
from suelo.jobs.database import SCHEMA_VERSION, open_database
from suelo.jobs.tables import Table


def test_migrations_make_exactly_the_tables(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Table.metadata) == []


def test_the_schema_version_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(suelo.jobs.__file__).parent / "migrations"))
    assert ScriptDirectory.from_config(config).get_current_head() == SCHEMA_VERSION


def test_servers_that_start_together_take_turns(database_url: str) -> None:
    errors = []

    def start() -> None:
        try:
            open_database(database_url).dispose()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_sqlite_lets_readers_work_while_one_writes(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'records.sqlite'}")
    readers = engine.execution_options(suelo_read_only=True)
    with engine.begin() as writer:
        writer.execute(text("DELETE FROM jobs"))
        with readers.connect() as reader:
            assert reader.execute(text("SELECT count(*) FROM jobs")).scalar() == 0
    engine.dispose()


def test_other_databases_are_refused() -> None:
    with pytest.raises(InputError, match="SQLite or PostgreSQL"):
        open_database("mysql://localhost/suelo")
    with pytest.raises(InputError, match="sqlite:///file or postgresql"):
        open_database("foo")
