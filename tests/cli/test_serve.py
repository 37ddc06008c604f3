"""`suelo serve` in a terminal."""

import os
import subprocess
import sys

import pytest

pty = pytest.importorskip("pty", reason="terminals are files on POSIX systems only")


def test_the_sample_shows_how_far_it_is(tmp_path):
    here, there = pty.openpty()
    environment = {**os.environ, "SUELO_HOME": str(tmp_path), "TERM": "xterm", "COLUMNS": "100", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "suelo", "serve", "--sample", "--port", "0"]
    with subprocess.Popen(command, stdout=there, stderr=there, env=environment) as server:
        os.close(there)
        seen = b""
        try:
            while b"The page is on" not in seen:
                seen += os.read(here, 4096)
        finally:
            server.kill()
            os.close(here)
    assert b"Sample: segmenting" in seen
    shares = [int(part.split(b"%")[0].split()[-1]) for part in seen.split(b"Sample: drawing")[1:] if b"%" in part]
    assert shares == sorted(shares)
    assert any(0 < share < 100 for share in shares)
