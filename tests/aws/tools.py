"""Command-line tools that have environments of their own, since they pin versions that Suelo does not use."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGES = {
    "sam": ["aws-sam-cli>=1.150", "cfn-lint>=1.40"],
    "checkov": ["checkov>=3.2"],
}
"""What each environment holds."""

FOLDER = Path(__file__).parents[2] / ".venv" / "tools"


def tool_environment(name: str) -> Path:
    """The folder of an environment. It is made at the first use in CI, or when SUELO_TOOLS=install; otherwise the test
    skips."""
    folder = Path(os.environ.get("SUELO_TOOLS_FOLDER", FOLDER)) / name
    if (folder / ".installed").exists():
        return folder
    if not (os.environ.get("CI") or os.environ.get("SUELO_TOOLS") == "install"):
        pytest.skip(f"{' and '.join(PACKAGES[name])} are not installed (SUELO_TOOLS=install installs them)")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run in several processes
        if not (folder / ".installed").exists():
            _install(folder, PACKAGES[name])
    return folder


def _install(folder: Path, packages: list[str]) -> None:
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    # What is used is compiled when it is used.
    pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-compile"]
    subprocess.run([*pip, *packages], check=True)
    (folder / ".installed").touch()
