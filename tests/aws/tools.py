"""Command-line tools that have environments of their own, since they pin versions that Suelo does not use."""

from __future__ import annotations

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
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    subprocess.run([folder / "bin" / "python", "-m", "pip", "install", "--quiet", *PACKAGES[name]], check=True)
    (folder / ".installed").touch()
    return folder
