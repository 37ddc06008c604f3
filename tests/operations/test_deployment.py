"""The files in deploy/ fit the program: commands, options, settings and addresses that are there."""

from __future__ import annotations

import argparse
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from suelo.api.app import create_api
from suelo.cli.app import app
from suelo.jobs.service import JobService
from suelo.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
VARIABLES = {f"SUELO_{name.upper()}" for name in Settings.model_fields}
# What Caddy and Compose themselves are told, and passwords that become parts of other values.
OF_THE_FILES = {"SUELO_SITE", "SUELO_UPSTREAM", "SUELO_VERSION", "SUELO_DATABASE_PASSWORD", "SUELO_STORE_SECRET"}


@pytest.fixture(scope="module")
def compose() -> dict:
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def check_command(command: list[str]) -> None:
    """Parse a command line as Suelo does, without running it."""
    known = CliRunner().invoke(app, [command[0], "--help"])
    assert known.exit_code == 0, command
    for word in command[1:]:
        if word.startswith("--"):
            assert re.search(rf"(^|[\s/]){word}\b", known.output), (word, known.output)


@pytest.mark.parametrize(
    "path",
    [
        *UNITS,
        *(DEPLOY / name for name in ("compose.yaml", "compose.env.example", "Caddyfile", "Dockerfile")),
        DEPLOY / "systemd" / "environment.example",
    ],
    ids=lambda path: path.name,
)
def test_every_variable_is_a_setting(path: Path) -> None:
    named = set(re.findall(r"\bSUELO_[A-Z_]+\b", path.read_text()))
    assert named <= VARIABLES | OF_THE_FILES


def test_the_settings_in_the_guide_are_there() -> None:
    named = set(re.findall(r"\bSUELO_[A-Z_]+\b", (ROOT / "docs" / "operations.md").read_text()))
    assert named <= VARIABLES | OF_THE_FILES
    assert {"SUELO_RETENTION_DAYS", "SUELO_PRESIGN"} <= named


def table_of_settings(path: Path) -> list[tuple[str, str]]:
    """The fields and defaults that the section on settings of a guide has in its table."""
    (section,) = re.findall(r"^## Settings\n(.*?)(?:^## |\Z)", path.read_text(), re.MULTILINE | re.DOTALL)
    rows = re.findall(r"^\| `SUELO_(\w+)` \| .+ \| (.+?) \|$", section, re.MULTILINE)
    return [(name.lower(), default) for name, default in rows]


def test_the_table_of_settings_has_every_setting_with_its_default() -> None:
    table = table_of_settings(ROOT / "docs" / "operations.md")
    assert sorted(name for name, _ in table) == sorted(Settings.model_fields)
    for name, default in table:
        field = Settings.model_fields[name]
        if field.default_factory is None and field.default not in ("", None):
            assert getattr(Settings.model_validate({name: default.strip("`")}), name) == field.default, name
        else:  # there are words for it
            assert re.fullmatch(r"[^`].{5,}", default), name


def test_the_short_table_of_settings_says_the_same() -> None:
    table = table_of_settings(ROOT / "README.md")
    assert len(table) > 5
    assert set(table) <= set(table_of_settings(ROOT / "docs" / "operations.md"))


def test_compose_passes_settings_on_with_their_usual_defaults(compose: dict) -> None:
    given = {k: v for k, v in compose["services"]["web"]["environment"].items() if k.startswith("SUELO_")}
    passed_on = {name for name, value in given.items() if value is None}
    # The image and the file itself say where things are; the others are for AWS and for an S3 server within reach.
    assert set(given) - passed_on == {"SUELO_DATABASE", "SUELO_STORE"}
    elsewhere = {
        f"SUELO_{name}" for name in ("HOME", "PRESIGN", "QUEUE", "HANDOVER_S", "DATABASE_IAM", "DATABASE_MIGRATE")
    }
    assert set(given) | elsewhere == VARIABLES
    assert not set(given) & elsewhere
    # What the example names arrives somewhere, with the default that it shows.
    text = (DEPLOY / "compose.env.example").read_text()
    example = dict(re.findall(r"^#?(SUELO_\w+)=(.*)$", text, re.MULTILINE))
    assert passed_on <= set(example)
    assert set(example) - passed_on <= set(re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yaml").read_text()))
    shown = Settings.model_validate({name[6:].lower(): example[name] for name in passed_on})
    assert shown.model_dump(exclude={"home"}) == Settings.model_construct().model_dump(exclude={"home"})


def test_the_commands_of_backups_name_what_compose_has(compose: dict) -> None:
    guide = (ROOT / "docs" / "operations.md").read_text().replace("\\\n", " ")
    words = re.findall(
        r"^    docker compose -f deploy/compose\.yaml (?:up --detach --wait|stop|exec -T) (.*)$", guide, re.MULTILINE
    )
    services = {word for line in words for word in line.partition(" pg_")[0].split()}
    assert services == {"database", "store", "proxy", "web", "worker"} == set(compose["services"])
    database, store = compose["services"]["database"], compose["services"]["store"]
    copies = re.findall(r"--volume (\w+?)_(\w+):/results(?::ro)? (\S+) ", guide)
    assert copies == [(compose["name"], store["volumes"][0].partition(":")[0], database["image"])] * 2
    users = re.findall(r"--username (\w+)", guide)
    assert set(users) == {database["environment"]["POSTGRES_USER"]}
    assert "--format custom suelo >" in guide
    assert database["environment"]["POSTGRES_DB"] == "suelo"


def test_compose_runs_commands_that_exist_and_asks_an_address_that_exists(compose: dict, tmp_path: Path) -> None:
    services = compose["services"]
    assert set(services) == {"web", "worker", "database", "store", "proxy"}
    for name in ("web", "worker"):
        check_command(services[name]["command"])
    service = JobService(Settings(home=tmp_path))
    try:
        rules = {rule.rule for rule in create_api(service).url_map.iter_rules()}
    finally:
        service.stop()
    (probe,) = re.findall(r"http://127\.0\.0\.1:8050(/\w+)", " ".join(services["web"]["healthcheck"]["test"]))
    assert probe in rules
    assert services["proxy"]["environment"]["SUELO_UPSTREAM"] == "web:8050"
    # Settings accept what the file says.
    given = {k: v for k, v in services["web"]["environment"].items() if k.startswith("SUELO_")}
    assert given["SUELO_STORE"].removeprefix("s3://") == services["store"]["volumes"][0].rpartition("/")[2]
    assert services["web"]["environment"] == services["worker"]["environment"]
    assert given["SUELO_DATABASE"].startswith("postgresql+psycopg://suelo:")


def test_every_variable_that_compose_asks_for_is_in_the_example(compose: dict) -> None:
    asked = set(re.findall(r"\$\{(\w+):\?", (DEPLOY / "compose.yaml").read_text()))
    example = dict(re.findall(r"^(\w+)=(.*)$", (DEPLOY / "compose.env.example").read_text(), re.MULTILINE))
    assert asked <= set(example)
    # No password that everybody knows.
    assert {example[name] for name in asked} == {""}


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_units_run_commands_that_exist(path: Path, tmp_path: Path) -> None:
    (line,) = re.findall(r"^ExecStart=/opt/suelo/bin/suelo (.*)$", path.read_text(), re.MULTILINE)
    check_command(line.split())
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed")
    unit = tmp_path / path.name
    unit.write_text(path.read_text().replace("/opt/suelo/bin/suelo", shutil.which("true") or "/bin/true"))
    checked = subprocess.run([program, "verify", unit], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_units_keep_what_is_on_its_way_where_there_is_room(path: Path) -> None:
    text = path.read_text()
    (state,) = re.findall(r"^StateDirectory=(.*)$", text, re.MULTILINE)
    assert f"Environment=TMPDIR=/var/lib/{state}\n" in text
    assert f"Environment=SUELO_HOME=/var/lib/{state}\n" in text


def test_users_are_added_as_the_service_runs() -> None:
    guide = (ROOT / "docs" / "operations.md").read_text().replace("\\\n", " ")
    (line,) = re.findall(r"^ +systemd-run (.*)$", guide, re.MULTILINE)
    options = argparse.ArgumentParser()
    for flag in ("--quiet", "--collect", "--pipe", "--wait"):
        options.add_argument(flag, action="store_true", required=True)
    options.add_argument("-p", dest="properties", action="append")
    options.add_argument("-E", dest="environment", action="append")
    options.add_argument("command", nargs=argparse.REMAINDER)
    read = options.parse_args(shlex.split(line))
    assert read.command[0] == "/opt/suelo/bin/suelo"
    check_command(read.command[1:])
    unit = (DEPLOY / "systemd" / "suelo.service").read_text().splitlines()
    assert {f"Environment={value}" for value in read.environment} <= set(unit)
    assert set(read.properties) <= set(unit)
    names = {name.partition("=")[0] for name in read.properties}
    assert names >= {"User", "DynamicUser", "StateDirectory", "EnvironmentFile"}


def test_the_image_is_built_of_files_that_exist() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    for line in re.findall(r"^COPY (?!--from)(.*)$", text, re.MULTILINE):
        for source in line.split()[:-1]:
            assert (ROOT / source).exists(), source
    kept = re.findall(r"^!(.*)$", (DEPLOY / "Dockerfile.dockerignore").read_text(), re.MULTILINE)
    for name in kept:
        assert (ROOT / name).exists(), name
    (command,) = re.findall(r"^CMD \[(.*)\]$", text, re.MULTILINE)
    check_command([word.strip().strip('"') for word in command.split(",")])
