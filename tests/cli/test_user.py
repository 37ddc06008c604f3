"""`suelo user`, with its database."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from suelo.cli.app import main
from suelo.jobs.database import open_database
from suelo.jobs.users import Users
from suelo.settings import Settings


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


Suelo = Callable[..., Outcome]


@pytest.fixture
def suelo(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Suelo:
    """The command `suelo user`, in this process."""
    monkeypatch.setenv("SUELO_HOME", str(home))

    def run(*words: str) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["suelo", "user", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        return Outcome(int(ended.value.code or 0), *capsys.readouterr())

    return run


def test_from_adding_to_removing(suelo: Suelo, home: Path) -> None:
    added = suelo("add", "ana")
    assert added.code == 0, added.err
    token = added.out.strip()
    engine = open_database(Settings(home=home).database_url)
    users = Users(engine)
    # Standard output is the token and nothing else.
    assert users.of_token(token).name == "ana"
    new = suelo("token", "ana").out.strip()
    assert users.of_token(token) is None
    assert users.of_token(new).name == "ana"
    assert suelo("list").out.split("\t")[0] == "ana"
    assert suelo("remove", "ana").code == 0
    assert users.list() == []
    engine.dispose()


def test_mistakes_are_said_in_a_sentence(suelo: Suelo) -> None:
    suelo("add", "ana")
    for words in (("add", "ana"), ("add", "two words"), ("token", "eva"), ("remove", "eva")):
        answer = suelo(*words)
        assert answer.code == 2
        assert answer.err.startswith("Error: ")
        assert answer.err.count("\n") == 1
        assert answer.out == ""
