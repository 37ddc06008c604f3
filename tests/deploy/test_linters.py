"""AWS's own linters, and one of security, find nothing in the stack."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tools import tool_environment


def run(folder: Path, *command: str | Path) -> subprocess.CompletedProcess[str]:
    quiet = {"AWS_DEFAULT_REGION": "us-east-1", "SAM_CLI_TELEMETRY": "0", "LOG_LEVEL": "ERROR"}
    return subprocess.run(
        list(map(str, command)), cwd=folder, env=os.environ | quiet, capture_output=True, text=True, check=False
    )


def test_sam_validates_the_template(folder: Path) -> None:
    done = run(folder, tool_environment("sam") / "bin" / "sam", "validate", "--lint")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "is a valid SAM Template" in done.stdout + done.stderr


def test_cfn_lint_finds_nothing(folder: Path) -> None:
    done = run(folder, tool_environment("sam") / "bin" / "cfn-lint", "template.yaml")
    assert (done.returncode, done.stdout) == (0, ""), done.stdout


def test_checkov_finds_nothing_that_has_no_reason(folder: Path) -> None:
    binary = tool_environment("checkov") / "bin" / "checkov"
    done = run(folder, binary, "--file", "template.yaml", "--config-file", "checkov.yaml")
    assert done.returncode == 0, done.stdout
    assert "Failed checks: 0" in done.stdout
