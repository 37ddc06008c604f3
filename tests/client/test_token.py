"""The client against a server that asks for tokens."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from ports import free_port

import suelo
from suelo.errors import NotAllowedError


def test_jobs_belong_to_the_user_of_the_token(
    start_server: Callable[..., subprocess.Popen[bytes]],
    draw_image: Callable[..., Path],
    tmp_path: Path,
) -> None:
    number = free_port()
    home = tmp_path / "home"
    start_server(home, number, SUELO_AUTH="token")
    url = f"http://127.0.0.1:{number}"

    def token(name: str) -> str:
        command = [Path(sys.executable).with_name("suelo"), "user", "add", name]
        environment = os.environ | {"SUELO_HOME": str(home)}
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.strip()

    ana, ben = token("ana"), token("ben")
    with suelo.Client(url, ana) as client:
        job = client.segment(draw_image(tmp_path / "a.tif", seed=40), progress=False)
    with suelo.Client(url, ana) as another:
        assert [found.id for found in another.jobs()] == [job.id]
    with suelo.Client(url, ben) as client:
        assert list(client.jobs()) == []
        with pytest.raises(NotAllowedError):
            client.job(job.id).delete()
    for wrong in (None, "made-up"):
        with suelo.Client(url, wrong) as client, pytest.raises(NotAllowedError, match="token"):
            list(client.jobs())
