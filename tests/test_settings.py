"""Settings come from the environment."""

from suelo.settings import Settings


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
