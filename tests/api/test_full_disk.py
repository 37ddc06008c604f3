"""A server whose disk is full says so, without naming its folders, and goes on when there is room."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from small_disk import on_small_disk

SERVER = """
import json, sys
from pathlib import Path
from suelo.api.app import create_api
from suelo.jobs.service import JobService
from suelo.settings import Settings

disk, scenes, settings = Path(sys.argv[1]), sys.argv[2:-1], json.loads(sys.argv[-1])
client = create_api(JobService(Settings(**settings))).test_client()

def send(scene):
    answer = client.post("/segment_tiff", data=Path(scene).read_bytes(), headers={"Content-Type": "image/tiff"})
    return answer.status_code, answer.get_data(as_text=True)

answers = [send(scenes[0])]
filler = disk / "filler"
try:
    filler.write_bytes(bytes(64 << 20))
except OSError:
    pass
answers.append(send(scenes[1]))
filler.unlink()
answers.append(send(scenes[1]))
print(json.dumps(answers))
"""


@pytest.mark.parametrize(
    ("everything", "status", "kind"),
    [
        pytest.param(True, 507, "full-disk", id="records and objects"),
        pytest.param(False, 500, "failure", id="objects alone: the job has failed"),
    ],
)
def test_a_full_disk_is_told_without_its_folders(
    draw_image: Callable[..., Path],
    write_model: Callable[..., Path],
    tmp_path: Path,
    everything: bool,
    status: int,
    kind: str,
) -> None:
    scenes = [draw_image(tmp_path / f"{seed}.tif", seed=seed) for seed in (1, 2)]
    disk = tmp_path / "disk"
    settings = {"home": str(disk if everything else tmp_path / "home"), "model": str(write_model(tmp_path / "m.onnx"))}
    settings |= {} if everything else {"store": disk.as_uri()}
    arguments = [sys.executable, "-c", SERVER, disk, *scenes, json.dumps(settings)]
    done = on_small_disk(disk, "4m", shlex.join(map(str, arguments)))
    assert done.returncode == 0, done.stderr
    (before, _), (full, text), (after, _) = json.loads(done.stdout)
    assert (before, full, after) == (200, status, 200)
    problem = json.loads(text)
    assert problem["type"] == f"urn:problem-type:suelo:{kind}"
    assert problem["detail"] == "There is no room left where results are kept; the operator needs to make some."
    assert str(tmp_path) not in text
