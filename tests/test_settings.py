"""Settings come from the environment."""

import pytest

from suelo.errors import InputError
from suelo.settings import Settings, read_settings


def test_everything_lies_under_home_by_default(tmp_path, monkeypatch):
    for name in ("SUELO_STORE", "SUELO_DATABASE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SUELO_HOME", str(tmp_path))
    settings = Settings()
    assert settings.store_url == (tmp_path / "objects").as_uri()
    assert settings.database_url == f"sqlite:///{tmp_path / 'suelo.sqlite'}"


def test_store_and_database_can_be_elsewhere(monkeypatch):
    monkeypatch.setenv("SUELO_STORE", "s3://maps/suelo")
    monkeypatch.setenv("SUELO_DATABASE", "postgresql+psycopg://suelo@db/suelo")
    settings = Settings()
    assert settings.store_url == "s3://maps/suelo"
    assert settings.database_url == "postgresql+psycopg://suelo@db/suelo"


def test_an_empty_variable_is_one_that_is_not_set(monkeypatch):
    for name in Settings.model_fields:
        monkeypatch.delenv(f"SUELO_{name.upper()}", raising=False)
    usual = read_settings()
    for name in Settings.model_fields:
        if not name.startswith("basemap_"):
            monkeypatch.setenv(f"SUELO_{name.upper()}", "")
    assert read_settings() == usual


def test_an_empty_address_of_the_background_map_is_none(monkeypatch):
    monkeypatch.setenv("SUELO_BASEMAP_URL", "")
    monkeypatch.setenv("SUELO_BASEMAP_ATTRIBUTION", "")
    settings = read_settings()
    assert (settings.basemap_url, settings.basemap_attribution) == ("", "")


@pytest.mark.parametrize(("name", "value"), [("LOG_LEVEL", "verbose"), ("THREADS", "-1"), ("AUTH", "password")])
def test_a_value_that_a_setting_cannot_have_is_refused(monkeypatch, name, value):
    monkeypatch.setenv(f"SUELO_{name}", value)
    with pytest.raises(InputError, match=f"The variable SUELO_{name} cannot be '{value}': Input should be "):
        read_settings()
