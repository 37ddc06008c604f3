"""A real disk that is soon full: a file system in memory which only the processes of one command see."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

_ALONE = ["unshare", "--user", "--map-root-user", "--mount"]


def on_small_disk(folder: Path, size: str, command: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the shell with a disk of its own at a folder; skips where the system does not allow that.

    Args:
        folder: Where the disk is.
        size: Its size, as in `300k`.
        command: What runs; `enlarge 4m` in it gives the disk another size.
    """
    if shutil.which("unshare") is None or subprocess.run([*_ALONE, "true"], check=False).returncode:
        pytest.skip("only Linux with namespaces for users has disks that a test may fill")
    folder.mkdir(exist_ok=True)
    script = f"""
        enlarge() {{ mount -o remount,size=$1 '{folder}'; }}
        mount -t tmpfs -o size={size} tmpfs '{folder}' || exit 99
        {command}
    """
    done = subprocess.run([*_ALONE, "sh", "-c", script], capture_output=True, check=False, text=True, timeout=300)
    if done.returncode == 99:
        pytest.skip("the system does not let a test have a disk of its own")
    return done
