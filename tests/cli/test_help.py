"""Every command explains itself, teaches by example, and starts quickly because it imports little."""

import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from suelo.cli.app import app


def commands(group, above=()):
    """Names of a command and of all below it."""
    yield [*above]
    for name, command in getattr(group, "commands", {}).items():
        yield from commands(command, (*above, name))


COMMANDS = [
    names for names in commands(typer.main.get_command(app)) if names not in (["model"], ["user"], ["benchmark"])
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_an_example(command):
    result = CliRunner().invoke(app, [*command, "--help"])
    assert result.exit_code == 0
    assert "suelo " + " ".join(command) in result.output


@pytest.mark.parametrize(
    "command", [["segment"], ["evaluate"], ["model", "show"], ["benchmark", "elsewhere"]], ids=" ".join
)
def test_commands_that_take_a_model_name_the_words_that_stand_for_one(command):
    words = CliRunner().invoke(app, [*command, "--help"], env={"COLUMNS": "200"}).output.split()
    assert {"int8", "flips"} <= {word.strip(",;:") for word in words}


def test_help_imports_no_heavy_library():
    code = (
        "import sys; sys.argv = ['suelo', '--help']\n"
        "from suelo.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'dash', 'openvino', 'rasterio', 'scipy', 'pyogrio', 'sqlalchemy', 'numpy'}\n"
        "print('HEAVY', sorted(heavy & set(sys.modules)))"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "HEAVY []" in output


def test_the_version_is_printed():
    result = CliRunner().invoke(app, ["--version"])
    assert result.exit_code == 0
    assert result.output.startswith("suelo ")
